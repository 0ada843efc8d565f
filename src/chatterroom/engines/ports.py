"""TCP ports on the loopback interface."""

import asyncio
import contextlib
import errno
import secrets
import socket
from collections.abc import Container

from chatterroom.engines.errors import EngineError

__all__ = ["LOOPBACK", "free_port", "is_free", "is_listening"]

LOOPBACK = "127.0.0.1"

# Below the ephemeral ranges of Linux and macOS: a port taken from those can be lost to anyone's
# outgoing connection while the process that owned it restarts.
_PORTS = range(20_000, 32_000)
_ATTEMPTS = 200


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether `port` of `host` is nobody's now.

    Raises OSError where one may not listen there at all.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do: connections of a past server in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


async def is_listening(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether somebody takes connections on `port` of `host`."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def free_port(besides: Container[int] = ()) -> int:
    """Return a random loopback port that nobody listens on, none of `besides`; not reserved."""
    allowed = [port for port in _PORTS if port not in besides]
    for port in secrets.SystemRandom().sample(allowed, min(_ATTEMPTS, len(allowed))):
        if is_free(port):
            return port
    raise EngineError(f"no free port between {_PORTS[0]} and {_PORTS[-1]} on {LOOPBACK}")
