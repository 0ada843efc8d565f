"""Connections that are there to be there."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from siege.front import Attack, Front
from siege.tally import TAKEN, rule_of
from siege.wire import Connection, handshake, request

__all__ = ["HALF_OPEN", "IDLE_CONNECTIONS", "KEEP_ALIVE"]

Hold = Callable[[Connection], Awaitable[None]]

_IDLE = 3_000
"""More than one address may have."""
_CONNECTIONS = 600
_OPENING = 40
_PARTS = (b"GET / HTTP/1.1\r\n", b"GET /ws/chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n")


async def _idle(front: Front) -> None:
    source = front.own_source()

    async def hold(connection: Connection) -> None:
        await _until_hung_up(front, connection)

    async for _ in front.each_phase():
        await _hold_many(front, source, hold, _IDLE)


async def _half_open(front: Front) -> None:
    source = front.own_source()

    async def hold(connection: Connection) -> None:
        part = front.chance.choice([*_PARTS, handshake("/ws/chat", {})[:-2]])
        for byte in part:
            if not front.goes_on or connection.has_ended:
                break
            connection.write(bytes([byte]))
            await connection.drain()
            await front.rest(0.5)
        await _until_hung_up(front, connection)

    async for _ in front.each_phase():
        await _hold_many(front, source, hold, _CONNECTIONS)


async def _keep_alive(front: Front) -> None:
    source = front.own_source()

    async def hold(connection: Connection) -> None:
        while front.goes_on:
            connection.write(request("GET", "/healthz", {}))
            async with asyncio.timeout(10):
                reply = await connection.reply()
            front.tally.note(rule_of(reply.status, reply.body))
            await front.rest(2.0)

    async for _ in front.each_phase():
        await _hold_many(front, source, hold, _CONNECTIONS)


async def _hold_many(front: Front, source: str, hold: Hold, connections: int) -> None:
    gate = asyncio.Semaphore(_OPENING)

    async def open_and_hold() -> None:
        connection = None
        try:
            async with gate:
                connection = await Connection.open(front.target.port, source=source)
            await hold(connection)
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            front.tally.note("refused" if connection is None else _how(error))
        finally:
            if connection is not None:
                connection.close()

    await front.together(open_and_hold() for _ in range(connections))


async def _until_hung_up(front: Front, connection: Connection) -> None:
    said = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.1, front.left_s)):
            said = await connection.until_ended()
            status = int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/1.1 ") else 0
            front.tally.note(f"hung up {status or ''}".rstrip())
            return
    front.tally.note(TAKEN)


def _how(error: Exception) -> str:
    return "no answer" if isinstance(error, TimeoutError) else "hung up"


IDLE_CONNECTIONS = Attack("3,000 connections of one address say nothing", _idle)
HALF_OPEN = Attack("600 handshakes and requests come byte by byte and never end", _half_open)
KEEP_ALIVE = Attack("600 connections of one address ask for /healthz now and then", _keep_alive)
