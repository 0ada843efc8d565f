"""Ask PyPI whether a locked package has a known vulnerability; fail if one has.

Without a way to PyPI's advisories nothing can be said, which is told and is no failure: a
build must not depend on somebody else's server being up.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCKS = ("requirements.lock", "requirements-dev.lock")
_DEADLINE_S = 120


def main() -> int:
    """Audit every lock file; return the exit status."""
    packages: dict[str, dict[str, object]] = {}
    for lock in LOCKS:
        command = [sys.executable, "-m", "pip_audit", "--progress-spinner=off", "--format=json"]
        command += ["--disable-pip", "--require-hashes", f"--requirement={lock}"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
            )
            answer = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
            sys.stdout.write(f"audit: {lock} not audited, no answer ({type(error).__name__})\n")
            continue
        packages |= {package["name"]: package for package in answer["dependencies"]}
    found = {name: package["vulns"] for name, package in packages.items() if package.get("vulns")}
    unknown = sum("skip_reason" in package for package in packages.values())
    for name, vulnerabilities in found.items():
        sys.stdout.write(f"audit: {name}: {json.dumps(vulnerabilities)}\n")
    sys.stdout.write(
        f"audit: {len(packages)} packages, {len(found)} with known vulnerabilities, "
        f"{unknown} that the advisories could not be asked about\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    if not Path(LOCKS[0]).exists():
        sys.exit("run me in the project's directory")
    sys.exit(main())
