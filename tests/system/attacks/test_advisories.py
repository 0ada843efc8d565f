"""Row 25: advisories that cannot be asked, and tools that answer in their place."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SKIPPED = {"dependencies": [{"name": "idna", "skip_reason": "not found"}], "fixes": []}
SOUND = {"dependencies": [{"name": "idna", "version": "1", "vulns": []}], "fixes": []}
NPM_REFUSED = {"message": "405 Method Not Allowed", "statusCode": 405}
NPM_SOUND = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 3}}}
NPM_VULNERABLE = NPM_SOUND | {"vulnerabilities": {"left": {"name": "left", "via": ["right"]}}}


def audit(directory: Path, pip: object, npm: object, *flags: str) -> tuple[int, str]:
    """Run the audit with tools that give these answers."""
    (directory / "pip_audit.py").write_text(f"print({json.dumps(pip)!r})")
    (directory / "npm").write_text(f"#!{sys.executable}\nprint({json.dumps(npm)!r})")
    (directory / "npm").chmod(0o755)
    path = f"{directory}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "scripts/audit_dependencies.py", *flags],
        cwd=ROOT,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(("pip", "npm"), [(SKIPPED, NPM_SOUND), (SOUND, NPM_REFUSED), ("", "")])
def test_row_25_what_was_not_asked_is_said_and_fails_on_demand(tmp_path: Path, pip, npm):
    status, said = audit(tmp_path, pip, npm)
    assert status == 0
    assert "NOT ASKED" in said
    assert audit(tmp_path, pip, npm, "--require-answer")[0] == 1


def test_row_25_packages_of_npm_are_asked_about_too(tmp_path: Path):
    status, said = audit(tmp_path, SOUND, NPM_VULNERABLE)
    assert status == 1
    assert "web/package-lock.json: left: right" in said
    assert audit(tmp_path, SOUND, NPM_SOUND, "--require-answer")[0] == 0
