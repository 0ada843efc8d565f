"""uvicorn in our own loop: it listens where we say, and stops when we say."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any

import uvicorn

from chatterroom.gateway.admission import Admission
from chatterroom.gateway.app import App
from chatterroom.gateway.http_protocol import GatewayProtocol
from chatterroom.gateway.relay import Relay

__all__ = ["serve_http"]

_BACKLOG = 2048
_KEEP_ALIVE_S = 30
# Linux doubles it.
_KERNEL_BYTES = 128 * 1024
_FINISH_S = 4


@asynccontextmanager
async def serve_http(
    host: str, port: int, app: App, relay: Relay, admission: Admission
) -> AsyncIterator[int]:
    """Serve until the block ends; give the port that is listened on.

    At the end no connection is accepted any more, sockets are closed, and requests under way are
    finished within four seconds. Raises OSError where the port is taken.
    """
    listener = _listen(host, port)
    protocol: Any = partial(
        GatewayProtocol, relay=relay, admission=admission, health_paths=app.health_paths
    )
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_FINISH_S,
    )
    server = _Server(config, relay)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await server.listening.wait()
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals to the process, and closes the relayed sockets when it stops."""

    def __init__(self, config: uvicorn.Config, relay: Relay) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._relay = relay

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._relay.close()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}") from None
    listener.setblocking(False)
    # Connections inherit it. Else the kernel takes megabytes for a reader that takes nothing.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    return listener
