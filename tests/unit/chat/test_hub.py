"""What reaches local sockets, with a store and a fan-out that tests hold in their hands."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec import structs
from tests.unit.chat.conftest import message_posted

from chatterroom.chat.entries import Entry
from chatterroom.chat.feed import publish
from chatterroom.chat.hub import MAX_HINT_BYTES, PIECE_BYTES, READ_WITHIN_S, Hub
from chatterroom.chat.pages import entry_bytes, fitting
from chatterroom.core.ids import ConversationId, UserId, new_id
from chatterroom.sockets.frames import text_frame

ROOM = ConversationId(new_id())


class Log:
    """A store of one conversation. Counts what is read of it."""

    def __init__(self, entries: int) -> None:
        self.entries: list[Entry] = [message_posted(ROOM, seq) for seq in range(1, entries + 1)]
        self.head_reads = self.page_reads = 0
        self.broken = False

    def grow(self, text: str = "hello") -> None:
        entry = message_posted(ROOM, len(self.entries) + 1)
        self.entries.append(structs.replace(entry, message=text))

    async def heads(self, conversation_ids: Sequence[ConversationId]) -> dict[ConversationId, int]:
        self.head_reads += len(conversation_ids)
        return dict.fromkeys(conversation_ids, len(self.entries))

    async def entries_after(
        self, _: ConversationId, seq: int, limit: int, max_bytes: int
    ) -> tuple[list[Entry], bool]:
        self.page_reads += 1
        if self.broken:
            raise RuntimeError("a bug")
        page = self.entries[seq : seq + limit]
        page = page[: fitting(page, entry_bytes, max_bytes)]
        return page, len(self.entries) > seq + len(page)


class Silence:
    """A fan-out that loses every hint."""

    def publish(self, channel: str, payload: bytes) -> None:
        pass

    def subscribe(self, channels: Sequence[str]) -> None:
        pass

    def unsubscribe(self, channels: Sequence[str]) -> None:
        pass

    async def confirmed(self, channels: Sequence[str]) -> None:
        pass


class Echo(Silence):
    """A fan-out that brings every hint to all hubs, the publisher among them, as Redis does."""

    def __init__(self) -> None:
        self.hubs: list[Hub] = []

    def publish(self, channel: str, payload: bytes) -> None:
        for hub in self.hubs:
            hub.heard(channel, payload)


class Reader:
    def __init__(self) -> None:
        self.user_id = UserId(new_id())
        self.heard = b""
        self.resumed: list[int] = []

    def write(self, frames: bytes) -> None:
        self.heard += frames

    def write_ephemeral(self, frame: bytes) -> None:
        self.heard += frame

    async def drained(self, resumed_bytes: int) -> None:
        self.resumed.append(resumed_bytes)

    def removed(self, conversation_id: ConversationId) -> None:
        pass


@pytest.fixture
async def log() -> Log:
    return Log(3)


@asynccontextmanager
async def running_hub(log: Log, fanout: Silence | None = None) -> AsyncIterator[Hub]:
    async with asyncio.TaskGroup() as tasks:
        yield Hub(log, fanout or Silence(), tasks)


async def following(hub: Hub, after: int | None = None) -> Reader:
    reader = Reader()
    (subscription,) = await hub.attach(reader, [ROOM])
    await hub.start(subscription, after)
    return reader


def frames(log: Log, first: int) -> bytes:
    return b"".join(publish(entry).frame for entry in log.entries[first - 1 :])


async def test_what_a_resume_finds_that_no_hint_told_of_reaches_everybody(log: Log):
    async with running_hub(log) as hub:
        live = await following(hub)
        log.grow()
        resumed = await following(hub, after=1)
        assert resumed.heard == frames(log, 2)
        assert live.heard == frames(log, 4)


async def test_the_sweep_reads_nothing_again_that_was_read_a_moment_ago(log: Log):
    async with running_hub(log) as hub:
        live = await following(hub)
        feed = hub._feeds[ROOM]
        feed.opened_at = feed.read_at = feed.read_at - 2 * READ_WITHIN_S
        await following(hub, after=1)
        assert log.head_reads == 1
        log.grow()
        await hub._sweep(500, READ_WITHIN_S)
        assert (log.head_reads, live.heard) == (1, b"")
        await hub._sweep(500, 0.0)
        assert log.head_reads == 2
    assert live.heard == frames(log, 4)


async def test_a_hub_ignores_what_comes_back_to_it_and_others_do_not(log: Log):
    echo = Echo()
    async with running_hub(log, echo) as hub, running_hub(log, echo) as other:
        echo.hubs += (hub, other)
        here, there = await following(hub), await following(other)
        hub.broadcast(ROOM, b"typing")
        assert here.heard == there.heard == text_frame(b"typing")
        log.grow()
        hub.committed(ROOM, log.entries[-1:])
        assert here.heard == there.heard == text_frame(b"typing") + frames(log, 4)
        other.broadcast(ROOM, b"marks", skip=here.user_id)
        assert there.heard.endswith(text_frame(b"marks"))
        assert not here.heard.endswith(text_frame(b"marks"))


async def test_a_resume_comes_in_pieces_and_waits_for_its_reader_between_them(log: Log):
    for _ in range(60):
        log.grow("x" * 30_000)
    async with running_hub(log) as hub:
        reader = await following(hub, after=0)
        assert reader.heard == frames(log, 1)
        pieces = reader.resumed[1:]
        assert len(pieces) >= 3
        assert max(pieces) <= PIECE_BYTES
        # What was read is kept, up to its bound, and read again by nobody.
        reads = log.page_reads
        again = await following(hub, after=log.entries[-3].seq)
        assert again.heard == frames(log, log.entries[-2].seq)
        assert log.page_reads == reads


async def test_what_feeds_keep_is_bounded_and_forgotten_when_they_close(log: Log):
    async with running_hub(log) as hub:
        reader = Reader()
        (subscription,) = await hub.attach(reader, [ROOM])
        await hub.start(subscription)
        for _ in range(100):
            log.grow("x" * 30_000)
            hub.committed(ROOM, log.entries[-1:])
        assert 0 < hub._kept.bytes <= 1024 * 1024
        hub.detach(subscription)
        assert hub._kept.bytes == 0


class Noted(Echo):
    """Counts the bytes of every hint."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def publish(self, channel: str, payload: bytes) -> None:
        self.sizes.append(len(payload))
        super().publish(channel, payload)


async def test_an_entry_that_is_too_long_for_a_hint_is_read_by_those_who_hear_of_it(log: Log):
    noted = Noted()
    async with running_hub(log, noted) as hub, running_hub(log, noted) as other:
        noted.hubs += (hub, other)
        there = await following(other)
        log.grow("short")
        log.grow("x" * 2 * MAX_HINT_BYTES)
        log.grow("short")
        hub.committed(ROOM, log.entries[3:])
        async with asyncio.timeout(10):
            while there.heard != frames(log, 4):
                await asyncio.sleep(0.01)
        assert max(noted.sizes) < MAX_HINT_BYTES + 1000


class Broken(Reader):
    def write(self, frames: bytes) -> None:
        raise RuntimeError("a bug")

    write_ephemeral = write

    def appeared(self, conversation_id: ConversationId, seq: int) -> None:
        raise RuntimeError("a bug")


async def test_an_outlet_that_fails_takes_nothing_from_the_others(log: Log):
    async with running_hub(log) as hub:
        before = await following(hub)
        (subscription,) = await hub.attach(Broken(), [ROOM])
        await hub.start(subscription)
        after = await following(hub)
        log.grow()
        hub.committed(ROOM, log.entries[-1:])
        hub.broadcast(ROOM, b"typing")
        assert before.heard == after.heard == frames(log, 4) + text_frame(b"typing")


async def test_a_bug_in_one_read_ends_nothing(log: Log):
    async with running_hub(log) as hub:
        live = await following(hub)
        log.broken = True
        with pytest.raises(RuntimeError):
            await following(hub, after=0)
        log.grow()
        log.grow()
        hub.committed(ROOM, log.entries[-1:])  # and the one before is missing
        async with asyncio.timeout(10):
            while hub._feeds[ROOM].filling:
                await asyncio.sleep(0)
        log.broken = False
        await hub._sweep(500, 0.0)
        async with asyncio.timeout(10):
            while live.heard != frames(log, 4):
                await asyncio.sleep(0)


async def test_the_sweep_goes_on_after_a_bug(log: Log, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatterroom.chat.hub.SWEEP_S", 0.01)
    swept = asyncio.Event()
    heads = log.heads

    async def heads_once_broken(conversation_ids):
        monkeypatch.setattr(log, "heads", heads)
        swept.set()
        raise RuntimeError("a bug")

    async with running_hub(log) as hub:
        live = await following(hub)
        feed = hub._feeds[ROOM]
        feed.opened_at = feed.read_at = feed.read_at - 2 * READ_WITHIN_S
        monkeypatch.setattr(log, "heads", heads_once_broken)
        log.grow()
        sweeping = asyncio.create_task(hub.run())
        async with asyncio.timeout(10):
            await swept.wait()
            while live.heard != frames(log, 4):
                await asyncio.sleep(0.01)
        sweeping.cancel()
        await asyncio.wait([sweeping])
