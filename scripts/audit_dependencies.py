"""Ask PyPI and npm whether a locked package has a known vulnerability; fail if one has.

Advisories that cannot be asked say nothing about a package. That is printed, and is a failure
with `--require-answer` only: a build must not depend on somebody else's server being up.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYTHON_LOCKS = ("requirements.lock", "requirements-dev.lock")
WEB = Path("web")
_DEADLINE_S = 120


@dataclass(frozen=True)
class Report:
    """What the advisories have said about the packages of one lock file."""

    lock: str
    asked: int = 0
    unasked: int = 0
    vulnerable: dict[str, list[str]] = field(default_factory=dict)
    """The names of vulnerabilities, by package."""
    reason: str = ""
    """Why nothing, or not everything, was asked."""

    @property
    def is_complete(self) -> bool:
        """Whether there is an answer for every package."""
        return bool(self.asked) and not self.unasked and not self.reason

    def lines(self) -> list[str]:
        """Return the report for people."""
        lines = [f"{self.lock}: {name}: {', '.join(ids)}" for name, ids in self.vulnerable.items()]
        if self.asked:
            lines.append(
                f"{self.lock}: asked about {self.asked} packages, "
                f"{len(self.vulnerable)} with known vulnerabilities"
            )
        if not self.is_complete:
            what = f"{self.unasked} packages" if self.unasked else "anything"
            lines.append(f"{self.lock}: NOT ASKED about {what} ({self.reason or 'no answer'})")
        return lines


def read_pip_audit(lock: str, output: str) -> Report:
    """Read what `pip-audit --format=json` has printed."""
    packages = _parsed(output).get("dependencies")
    if not isinstance(packages, list):
        return Report(lock, reason="pip-audit gave no answer")
    asked = [each for each in packages if "skip_reason" not in each]
    skipped = [each["skip_reason"] for each in packages if "skip_reason" in each]
    vulnerable = {
        each["name"]: [found["id"] for found in each["vulns"]] for each in asked if each["vulns"]
    }
    return Report(lock, len(asked), len(skipped), vulnerable, skipped[0] if skipped else "")


def read_npm_audit(lock: str, output: str) -> Report:
    """Read what `npm audit --json` has printed."""
    answer = _parsed(output)
    found, metadata = answer.get("vulnerabilities"), answer.get("metadata")
    if not isinstance(found, dict) or not isinstance(metadata, dict):
        reason = answer.get("message") or "npm audit gave no answer"
        return Report(lock, reason=str(reason))
    vulnerable = {name: _advisories(each["via"]) for name, each in found.items()}
    return Report(lock, metadata["dependencies"]["total"], 0, vulnerable)


def exit_status(reports: Sequence[Report], *, require_answer: bool) -> int:
    """Fail for a known vulnerability and, if asked for, wherever there is no answer."""
    if any(report.vulnerable for report in reports):
        return 1
    return int(require_answer and not all(report.is_complete for report in reports))


def main() -> int:
    """Audit every lock file; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--require-answer",
        action="store_true",
        help="fail also if the advisories could not be asked about every package",
    )
    options = parser.parse_args()
    pip_audit = [sys.executable, "-m", "pip_audit", "--progress-spinner=off", "--format=json"]
    pip_audit += ["--disable-pip", "--require-hashes"]
    reports = [
        _run(lock, [*pip_audit, f"--requirement={lock}"], Path(), read_pip_audit)
        for lock in PYTHON_LOCKS
    ]
    npm_audit = ["npm", "audit", "--json", "--package-lock-only"]
    reports.append(_run("web/package-lock.json", npm_audit, WEB, read_npm_audit))
    for report in reports:
        sys.stdout.writelines(f"audit: {line}\n" for line in report.lines())
    return exit_status(reports, require_answer=options.require_answer)


def _run(
    lock: str, command: Sequence[str], directory: Path, read: Callable[[str, str], Report]
) -> Report:
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        return Report(lock, reason=f"{command[0]}: {type(error).__name__}")
    return read(lock, done.stdout)


def _parsed(output: str) -> dict[str, Any]:
    try:
        found = json.loads(output)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _advisories(via: Sequence[Any]) -> list[str]:
    """Name what makes a package vulnerable: an advisory, or another package."""
    return [
        str(each.get("url") or each["title"]) if isinstance(each, dict) else each for each in via
    ]


if __name__ == "__main__":
    if not Path(PYTHON_LOCKS[0]).exists():
        sys.exit("run me in the project's directory")
    sys.exit(main())
