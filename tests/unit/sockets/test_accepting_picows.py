"""How many connections a WebSocket port takes."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import websockets
from tests.unit.sockets.test_server_picows import serve


@asynccontextmanager
async def silent(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader
    finally:
        writer.transport.abort()


async def is_ended(reader) -> bool:
    async with asyncio.timeout(10):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


async def test_above_the_cap_connections_are_hung_up_on_until_one_ends():
    async with serve(max_connections=2) as server, server.connect(), server.connect() as second:
        async with silent(server) as reader:
            assert await is_ended(reader)
        await second.close()
        async with asyncio.timeout(10):
            while True:
                try:
                    async with server.connect():
                        break
                except (OSError, websockets.InvalidHandshake, EOFError):
                    await asyncio.sleep(0.01)


async def test_who_does_not_shake_hands_makes_room_the_oldest_first():
    async with serve(max_handshakes=3) as server, AsyncExitStack() as many:
        waiting = [await many.enter_async_context(silent(server)) for _ in range(5)]
        assert [await is_ended(reader) for reader in waiting[:2]] == [True, True]
        async with server.connect() as client:
            # It was the fourth until it had shaken hands.
            assert await is_ended(waiting[2])
            await client.send("hello")
            assert await server.only.texts.get() == b"hello"
        assert not any(reader.at_eof() for reader in waiting[3:])
