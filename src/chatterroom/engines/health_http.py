"""Asking the gateway for its health over HTTP."""

import asyncio

__all__ = ["ReadyOnce", "is_healthy"]

_DEADLINE_S = 2.0
_HEALTH, _READINESS = "/healthz", "/readyz"


class ReadyOnce:
    """Asks a gateway for its readiness until it is ready once, then for its health only.

    The platform has started when the first request of a user succeeds. Later a gateway that is
    restarted while another service is out has to come up all the same.
    """

    def __init__(self) -> None:
        self._path = _READINESS

    async def __call__(self, host: str, port: int) -> bool:
        """Return whether the server there responds with 200 within two seconds."""
        if not await _is_ok(host, port, self._path):
            return False
        self._path = _HEALTH
        return True


async def is_healthy(host: str, port: int) -> bool:
    """Return whether the server there responds to `GET /healthz` with 200 within two seconds."""
    return await _is_ok(host, port, _HEALTH)


async def _is_ok(host: str, port: int, path: str) -> bool:
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await _status(host, port, path) == b"200"
    except (OSError, TimeoutError):
        return False


async def _status(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        _version, _, rest = (await reader.readline()).partition(b" ")
        return rest[:3]
    finally:
        writer.close()
