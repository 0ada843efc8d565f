import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from torture.links import CUT, MUTE, SLOW, STALL, TEAR, Link

PATIENCE_S = 5.0
AWHILE_S = 0.1


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data.upper())
        await writer.drain()
    writer.close()


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link, "Client"]]:
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = Link(lambda: f"127.0.0.1:{port}", random.Random(1))
    await link.start()
    client = Client(link)
    try:
        yield link, client
    finally:
        for writer in client.writers:
            writer.close()
        await link.close()
        server.close()


class Client:
    """Connects, and closes what it has opened."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.writers: list[asyncio.StreamWriter] = []

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.link.port)
        self.writers.append(writer)
        return reader, writer


async def connect(client: Client) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await client.open()
    assert await ask(reader, writer, b"hello") == b"HELLO"
    return reader, writer


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: bytes) -> bytes:
    writer.write(what)
    return await asyncio.wait_for(reader.readexactly(len(what)), PATIENCE_S)


async def rest(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), PATIENCE_S)


async def test_without_a_fault_bytes_pass_both_ways_and_the_end_does():
    async with linked() as (link, client):
        reader, writer = await connect(client)
        assert await ask(reader, writer, b"x" * 100_000) == b"X" * 100_000
        assert link.is_used
        writer.close()
        assert await rest(reader) == b""


async def test_a_slow_link_delivers_everything_later():
    async with linked() as (link, client):
        reader, writer = await connect(client)
        link.break_(SLOW)
        began = asyncio.get_running_loop().time()
        assert await ask(reader, writer, b"abc") == b"ABC"
        assert asyncio.get_running_loop().time() - began >= 0.04


async def test_a_stalled_link_holds_what_it_gets_and_breaks_nothing():
    async with linked() as (link, client):
        reader, writer = await connect(client)
        link.break_(STALL)
        writer.write(b"abc")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), AWHILE_S)
        link.mend()
        assert await asyncio.wait_for(reader.readexactly(3), PATIENCE_S) == b"ABC"


async def test_a_mute_link_loses_answers_and_is_reset_for_it():
    async with linked() as (link, client):
        reader, writer = await connect(client)
        bystander, other = await connect(client)
        link.break_(MUTE)
        writer.write(b"abc")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), AWHILE_S)
        link.mend()
        with pytest.raises(ConnectionResetError):
            await rest(reader)
        assert await ask(bystander, other, b"lost nothing") == b"LOST NOTHING"


async def test_a_torn_link_breaks_in_the_middle():
    async with linked() as (link, client):
        reader, writer = await connect(client)
        link.break_(TEAR)
        writer.write(b"x" * 100_000)
        with pytest.raises(ConnectionResetError):
            await rest(reader)


async def test_a_cut_link_resets_what_is_there_and_what_comes_until_it_is_mended():
    async with linked() as (link, client):
        reader, _ = await connect(client)
        link.break_(CUT)
        assert not link.is_whole
        with pytest.raises(ConnectionResetError):
            await rest(reader)
        with pytest.raises(ConnectionError):
            await refused(client)
        link.mend()
        await connect(client)


async def refused(client: Client) -> None:
    reader, _ = await client.open()
    if not await rest(reader):
        raise ConnectionError


async def test_where_nobody_listens_behind_it_a_link_refuses():
    link = Link(lambda: "", random.Random(1))
    await link.start()
    client = Client(link)
    try:
        with pytest.raises(ConnectionError):
            await refused(client)
        assert not link.is_used
    finally:
        for writer in client.writers:
            writer.close()
        await link.close()
