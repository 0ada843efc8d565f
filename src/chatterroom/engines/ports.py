"""TCP ports on the loopback interface."""

import secrets
import socket

from chatterroom.engines.errors import EngineError

__all__ = ["LOOPBACK", "free_port", "is_free"]

LOOPBACK = "127.0.0.1"

# Below the ephemeral ranges of Linux and macOS: a port taken from those can be lost to anyone's
# outgoing connection while the process that owned it restarts.
_LOWEST_PORT = 20_000
_HIGHEST_PORT = 32_000
_ATTEMPTS = 200


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on `port` of `host` now."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do: connections of a past server in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a random loopback port that nobody listens on; it is not reserved."""
    for _ in range(_ATTEMPTS):
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        if is_free(port):
            return port
    raise EngineError(f"no free port between {_LOWEST_PORT} and {_HIGHEST_PORT} on {LOOPBACK}")
