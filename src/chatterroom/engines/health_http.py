"""Asking the gateway for its health by `GET /healthz`."""

import asyncio

__all__ = ["is_healthy"]

_DEADLINE_S = 2.0


async def is_healthy(host: str, port: int) -> bool:
    """Tell whether the server there answers `GET /healthz` with 200, within two seconds."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await _status_line(host, port) == b"200"
    except (OSError, TimeoutError):
        return False


async def _status_line(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        request = f"GET /healthz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        _version, _, rest = (await reader.readline()).partition(b" ")
        return rest[:3]
    finally:
        writer.close()
