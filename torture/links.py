"""Ways between programs that can be made slow, silent or broken: TCP proxies on loopback."""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable

from chatterroom.engines.ports import LOOPBACK

__all__ = ["CUT", "LINKED", "LINK_FAULTS", "MUTE", "SLOW", "STALL", "TEAR", "Link"]

SLOW, STALL, MUTE, TEAR, CUT = "slow", "stall", "mute", "tear", "cut"
LINK_FAULTS = (SLOW, STALL, MUTE, TEAR, CUT)
LINKED = ("mongod", "redis", "gateway")
"""What is reached by links: the engines by the services, the gateway by clients."""

_CHUNK = 64 * 1024
_CONNECT_S = 2.0
_DELAY_S = (0.02, 0.2)
_TORN_AFTER = (1, 20_000)
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing drops what is unsent and sends RST."""


class _Connection:
    """Two sockets, and how much may still pass between them."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.writers = (client, server)
        self.bytes_left: int | None = None
        self.has_lost = False

    def reset(self) -> None:
        for writer in self.writers:
            _reset(writer)


class Link:
    """Passes bytes on to where `target` says, unless it has a fault; one at a time.

    Bytes are never left out of a connection that goes on: what loses some is reset.
    """

    def __init__(self, target: Callable[[], str], chance: random.Random) -> None:
        self._target = target
        self._chance = chance
        self._fault = ""
        self._delay_s = 0.0
        self._passes = asyncio.Event()
        self._passes.set()
        self._connections: set[_Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Reset all connections and listen no more."""
        if self._server is None:
            return
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def is_used(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._connections)

    @property
    def is_whole(self) -> bool:
        """Whether it has no fault now."""
        return not self._fault

    def break_(self, fault: str) -> None:
        """Begin a fault.

        `slow`: every read of it waits up to 0.2 s. `stall`: nothing passes, nothing breaks.
        `mute`: questions arrive and answers do not. `tear`: each connection breaks after some
        more bytes, where that may be. `cut`: all break, and new ones do.
        """
        self._fault = fault
        match fault:
            case "slow":
                self._delay_s = self._chance.uniform(*_DELAY_S)
            case "stall":
                self._passes.clear()
            case "tear":
                for connection in self._connections:
                    connection.bytes_left = self._chance.randint(*_TORN_AFTER)
            case "cut":
                for connection in self._connections:
                    connection.reset()

    def mend(self) -> None:
        """End the fault. Connections that lost bytes are reset, and what was held passes."""
        self._fault, self._delay_s = "", 0.0
        self._passes.set()
        for connection in self._connections:
            connection.bytes_left = None
            if connection.has_lost:
                connection.reset()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._fault == CUT:
                raise OSError("the link is cut")
            host, port = self._target().rsplit(":", 1)
            async with asyncio.timeout(_CONNECT_S):
                answers, questions = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError, ValueError):
            _reset(writer)
            return
        connection = _Connection(writer, questions)
        if self._fault == TEAR:
            connection.bytes_left = self._chance.randint(*_TORN_AFTER)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pump(connection, reader, questions, are_answers=False),
                self._pump(connection, answers, writer, are_answers=True),
            )
        except asyncio.CancelledError:
            connection.reset()
            raise
        finally:
            self._connections.discard(connection)

    async def _pump(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        are_answers: bool,
    ) -> None:
        """Pass on one direction until either side ends; then end both."""
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._passes.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if self._fault == MUTE and are_answers:
                    connection.has_lost = True
                    continue
                if connection.bytes_left is not None:
                    passed = data[: connection.bytes_left]
                    connection.bytes_left -= len(passed)
                    if len(passed) < len(data):
                        await _tear(connection, writer, passed)
                        return
                writer.write(data)
                await writer.drain()
        for each in connection.writers:
            each.close()


async def _tear(connection: _Connection, writer: asyncio.StreamWriter, last: bytes) -> None:
    writer.write(last)
    await writer.drain()
    connection.reset()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
