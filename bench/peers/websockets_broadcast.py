"""The `websockets` library: whatever anybody says is broadcast to all receivers."""

# Runs in an environment of its own, whose packages ours does not know.
# mypy: ignore-errors

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

receivers: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    """Serve one socket."""
    assert connection.request is not None
    if "role=receiver" in connection.request.path:
        receivers.add(connection)
    try:
        async for text in connection:
            broadcast(receivers, text)
    finally:
        receivers.discard(connection)


async def main() -> None:
    """Serve until killed."""
    async with serve(handle, "127.0.0.1", int(sys.argv[1]), compression=None, backlog=1024):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
