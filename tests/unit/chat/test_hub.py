"""What reaches local sockets, with a store and a fan-out that tests hold in their hands."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.unit.chat.conftest import message_posted

from chatterroom.chat.entries import Entry
from chatterroom.chat.feed import publish
from chatterroom.chat.hub import READ_WITHIN_S, Hub
from chatterroom.core.ids import ConversationId, UserId, new_id
from chatterroom.sockets.frames import text_frame

ROOM = ConversationId(new_id())


class Log:
    """A store of one conversation. Counts what is read of it."""

    def __init__(self, entries: int) -> None:
        self.entries: list[Entry] = [message_posted(ROOM, seq) for seq in range(1, entries + 1)]
        self.head_reads = 0

    def grow(self) -> None:
        self.entries.append(message_posted(ROOM, len(self.entries) + 1))

    async def heads(self, conversation_ids: Sequence[ConversationId]) -> dict[ConversationId, int]:
        self.head_reads += len(conversation_ids)
        return dict.fromkeys(conversation_ids, len(self.entries))

    async def entries_after(
        self, _: ConversationId, seq: int, limit: int
    ) -> tuple[list[Entry], bool]:
        return self.entries[seq : seq + limit], len(self.entries) > seq + limit


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

    def write(self, frames: bytes) -> None:
        self.heard += frames

    def write_ephemeral(self, frame: bytes) -> None:
        self.heard += frame

    async def drained(self) -> None:
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
