"""What the audit says of the answers that pip-audit and npm give, and of none."""

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "audit_dependencies.py"
_spec = spec_from_file_location("audit_dependencies", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
audit = module_from_spec(_spec)
sys.modules[_spec.name] = audit
_spec.loader.exec_module(audit)

SKIPPED = {"name": "httpx", "skip_reason": "Dependency not found on PyPI"}
SOUND = {"name": "idna", "version": "3.20", "vulns": []}
VULNERABLE = {
    "name": "h11",
    "version": "0.1",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["0.2"], "aliases": [], "description": ""}],
}
NPM = {
    "auditReportVersion": 2,
    "vulnerabilities": {},
    "metadata": {
        "vulnerabilities": {"low": 0, "high": 0, "total": 0},
        "dependencies": {"prod": 20, "dev": 211, "total": 230},
    },
}
NPM_VULNERABLE = NPM | {
    "vulnerabilities": {
        "left": {
            "name": "left",
            "severity": "high",
            "via": [{"source": 1, "title": "Prototype", "url": "https://example.org/GHSA-1"}],
        },
        "right": {"name": "right", "severity": "high", "via": ["left"]},
    }
}
NPM_REFUSED = {"message": "405 Method Not Allowed", "statusCode": 405, "error": {"summary": ""}}


def pip(*packages):
    return audit.read_pip_audit("a.lock", json.dumps({"dependencies": packages, "fixes": []}))


def npm(answer):
    return audit.read_npm_audit("b.json", json.dumps(answer))


def text(report):
    return "\n".join(report.lines())


def test_a_lock_that_was_asked_about_says_so():
    report = pip(SOUND, SOUND)
    assert report.is_complete
    assert text(report) == "a.lock: asked about 2 packages, 0 with known vulnerabilities"


def test_a_lock_about_which_nothing_was_asked_is_not_called_sound():
    report = pip(SKIPPED, SKIPPED)
    assert not report.is_complete
    assert text(report) == "a.lock: NOT ASKED about 2 packages (Dependency not found on PyPI)"


def test_what_was_asked_and_what_was_not_are_told_apart():
    assert text(pip(SOUND, SKIPPED)).splitlines() == [
        "a.lock: asked about 1 packages, 0 with known vulnerabilities",
        "a.lock: NOT ASKED about 1 packages (Dependency not found on PyPI)",
    ]


def test_vulnerabilities_are_named():
    assert pip(SOUND, VULNERABLE).vulnerable == {"h11": ["PYSEC-2026-1"]}
    assert npm(NPM_VULNERABLE).vulnerable == {
        "left": ["https://example.org/GHSA-1"],
        "right": ["left"],
    }


def test_the_packages_of_npm_are_counted():
    assert text(npm(NPM)) == "b.json: asked about 230 packages, 0 with known vulnerabilities"


def test_a_registry_that_takes_no_questions_was_not_asked():
    assert text(npm(NPM_REFUSED)) == "b.json: NOT ASKED about anything (405 Method Not Allowed)"


@pytest.mark.parametrize("output", ["", "not JSON", "[]", "null", "{}", '{"dependencies": []}'])
@pytest.mark.parametrize("read", [audit.read_pip_audit, audit.read_npm_audit])
def test_no_answer_is_no_good_answer(read, output):
    report = read("a.lock", output)
    assert not report.is_complete
    assert "NOT ASKED" in text(report)


@pytest.mark.parametrize(
    ("reports", "usual", "with_the_flag"),
    [
        ([pip(SOUND), npm(NPM)], 0, 0),
        ([pip(SKIPPED), npm(NPM)], 0, 1),
        ([pip(SOUND, SKIPPED), npm(NPM)], 0, 1),
        ([pip(SOUND), npm(NPM_REFUSED)], 0, 1),
        ([pip(VULNERABLE), npm(NPM_REFUSED)], 1, 1),
        ([pip(SKIPPED), npm(NPM_VULNERABLE)], 1, 1),
    ],
)
def test_a_missing_answer_fails_only_if_one_is_demanded(reports, usual, with_the_flag):
    assert audit.exit_status(reports, require_answer=False) == usual
    assert audit.exit_status(reports, require_answer=True) == with_the_flag


def test_tools_that_are_missing_or_too_slow_were_not_asked(monkeypatch):
    def failing(error):
        def run(*_, **__):
            raise error

        return run

    for error in (FileNotFoundError("npm"), subprocess.TimeoutExpired("npm", 1)):
        monkeypatch.setattr(audit.subprocess, "run", failing(error))
        report = audit._run("b.json", ["npm"], Path(), audit.read_npm_audit)
        assert text(report) == f"b.json: NOT ASKED about anything (npm: {type(error).__name__})"
