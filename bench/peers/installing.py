"""What peers run on, installed once into `bench/.peers`, apart from the product's environment.

Everything is pinned with hashes: `requirements.txt` and `package-lock.json`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = [
    "PYTHON",
    "ROOT",
    "InstallError",
    "install_node_packages",
    "install_python_packages",
    "node",
    "versions",
]

_HERE = Path(__file__).parent
ROOT = _HERE.parent / ".peers"
PYTHON = ROOT / "python" / "bin" / "python"
NODE_MODULES = ROOT / "node" / "node_modules"
_DEADLINE_S = 300


class InstallError(Exception):
    """Something could not be installed; the message says why in a line."""


def install_python_packages() -> None:
    """Make the environment, where it is not as `requirements.txt` says. Raises `InstallError`."""
    requirements = _HERE / "requirements.txt"
    stamp = ROOT / "python" / ".installed"
    if stamp.exists() and stamp.read_text() == requirements.read_text():
        return
    _run([sys.executable, "-m", "venv", "--clear", str(ROOT / "python")])
    _run(
        [
            *(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--requirement", str(requirements)),
        ]
    )
    stamp.write_text(requirements.read_text())


def install_node_packages() -> None:
    """Install what `package-lock.json` says. Raises `InstallError`."""
    if shutil.which("npm") is None:
        raise InstallError("npm is not installed")
    lock = _HERE / "package-lock.json"
    stamp = ROOT / "node" / ".installed"
    if stamp.exists() and stamp.read_text() == lock.read_text():
        return
    stamp.parent.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_HERE / name, stamp.parent / name)
    _run(
        [
            *("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"),
            *("--prefix", str(stamp.parent)),
        ]
    )
    stamp.write_text(lock.read_text())


def versions() -> dict[str, str]:
    """Return what is pinned, by name."""
    pinned = re.findall(r"(?m)^([a-z][\w.-]*)==([\w.]+)", (_HERE / "requirements.txt").read_text())
    lock = json.loads((_HERE / "package-lock.json").read_text())
    return {**dict(pinned), "socket.io": lock["packages"]["node_modules/socket.io"]["version"]}


def node() -> str:
    """Return the Node.js of this machine. Raises `InstallError`."""
    found = shutil.which("node")
    if found is None:
        raise InstallError("Node.js is not installed")
    return found


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
            env={**os.environ, "PIP_NO_INPUT": "1"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{command[0]}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "failed").splitlines()[-1]
        raise InstallError(f"{Path(command[0]).name}: {last}")
