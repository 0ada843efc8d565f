"""The log with a bug injected at each of its steps: one command fails, all others are served."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from chatterroom.chat import log as log_module
from chatterroom.chat.conversation import EditMessage, LeaveRoom, UpdateRoom
from chatterroom.chat.entries import MessageEdited, MessagePosted
from chatterroom.chat.log import ConversationLog
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ClientId, UserId, new_id, private_conversation_id

from .conftest import ALICE, BOB, Instance, create_room, post, post_private

POISON = "poison"


class InjectedError(Exception):
    pass


class Poisonable:
    """A store in which the text "poison" meets a bug: before anything is stored, behind the
    entries before it, or when all is stored."""

    def __init__(self, store, moment: str) -> None:
        self._store = store
        self._moment = moment
        self.inserts: list[int] = []
        self.broken: set[str] = set()
        """The methods that fail whatever they are asked."""

    def __getattr__(self, name: str):
        if name in self.broken:
            raise InjectedError(name)
        return getattr(self._store, name)

    async def insert_messages(self, entries: Sequence[MessagePosted]) -> int:
        self.inserts.append(len(entries))
        texts = [entry.message for entry in entries]
        if POISON not in texts:
            return await self._store.insert_messages(entries)
        sound = {"before": 0, "behind": texts.index(POISON), "after": len(texts)}[self._moment]
        if sound:
            await self._store.insert_messages(entries[:sound])
        raise InjectedError

    async def insert_firsts(self, entries: Sequence[MessagePosted]) -> bool:
        if any(entry.message == POISON for entry in entries):
            raise InjectedError
        return await self._store.insert_firsts(entries)

    async def insert_with_effects(self, entry, after, target) -> bool:
        if getattr(entry, "message", "") == POISON or getattr(entry, "room_name", "") == POISON:
            raise InjectedError
        return await self._store.insert_with_effects(entry, after, target)


@asynccontextmanager
async def running(store, on_committed=lambda *_: None) -> AsyncIterator[ConversationLog]:
    log = ConversationLog(store, on_committed)
    task = asyncio.create_task(log.run())
    yield log
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def outcome(answer) -> str:
    try:
        appended = await answer
    except ChatterRoomError as error:
        return error.code.value
    return "duplicate" if appended.duplicate else "stored"


async def texts_of(instance: Instance, conversation) -> list[str]:
    entries, _ = await instance.store.entries_after(conversation, 0, 10_000)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.message for entry in entries if isinstance(entry, MessagePosted)]


async def rooms(instance: Instance, log: ConversationLog, count: int):
    created = [create_room(BOB) for _ in range(count)]
    for room in created:
        await log.append(room)
    # Their states are known now, so that what follows can share an insert.
    await asyncio.gather(*(log.append(post(room.conversation_id, "begun")) for room in created))
    return [room.conversation_id for room in created]


@pytest.mark.parametrize("moment", ["before", "behind", "after"])
async def test_one_poisonous_message_among_many_conversations_fails_alone(
    instance: Instance, moment: str
):
    store = Poisonable(instance.store, moment)
    async with running(store) as log:
        conversations = await rooms(instance, log, 12)
        store.inserts.clear()
        sends = []
        for text in ("one", "two", "three"):
            for number, room in enumerate(conversations):
                bad = number == 5 and text == "two"
                sends.append(post(room, POISON if bad else text))
        outcomes = await asyncio.gather(*(outcome(log.submit(send)) for send in sends))
        assert max(store.inserts) == len(sends)
        # What a bug has stored all the same is found, and answered as what it is.
        failed = "stored" if moment == "after" else "internal"
        expected = [failed if send.message == POISON else "stored" for send in sends]
        assert outcomes == expected
        for number, room in enumerate(conversations):
            second = [POISON] if moment == "after" else []
            second = ["two"] if number != 5 else second
            assert await texts_of(instance, room) == ["begun", "one", *second, "three"]
        # What has been stored alone since shares inserts again.
        store.inserts.clear()
        again = [outcome(log.submit(post(room, "again"))) for room in conversations]
        assert set(await asyncio.gather(*again)) == {"stored"}
        assert max(store.inserts) > 1


async def test_a_poisonous_message_that_is_alone_is_tried_once(instance: Instance):
    store = Poisonable(instance.store, "before")
    async with running(store) as log:
        (room,) = await rooms(instance, log, 1)
        store.inserts.clear()
        assert await outcome(log.submit(post(room, POISON))) == "internal"
        assert store.inserts == [1]
        assert await outcome(log.submit(post(room, "next"))) == "stored"
        assert await texts_of(instance, room) == ["begun", "next"]


async def test_a_poisonous_message_and_its_repeat_both_fail(instance: Instance):
    async with running(Poisonable(instance.store, "before")) as log:
        (room,) = await rooms(instance, log, 1)
        bad = post(room, POISON, client_id="same")
        sends = [post(room, "one"), bad, bad, post(room, "two")]
        outcomes = await asyncio.gather(*(outcome(log.submit(send)) for send in sends))
        assert outcomes == ["stored", "internal", "internal", "stored"]
        assert await texts_of(instance, room) == ["begun", "one", "two"]


async def test_one_poisonous_first_message_fails_alone(instance: Instance):
    async with running(Poisonable(instance.store, "before")) as log:
        peers = [UserId(new_id()) for _ in range(20)]
        for peer in peers:
            log.presume_empty(private_conversation_id(ALICE, peer))
        sends = [
            post_private(POISON if number == 7 else "hello", receiver=peer)
            for number, peer in enumerate(peers)
        ]
        outcomes = await asyncio.gather(*(outcome(log.submit(send)) for send in sends))
        assert outcomes == ["internal" if number == 7 else "stored" for number in range(20)]
        assert await outcome(log.submit(post_private("better", receiver=peers[7]))) == "stored"
        assert await texts_of(instance, sends[7].conversation_id) == ["better"]


async def test_a_change_that_meets_a_bug_fails_alone(instance: Instance):
    async with running(Poisonable(instance.store, "before")) as log:
        (room,) = await rooms(instance, log, 1)
        commands = [
            post(room, "before"),
            EditMessage(room, ALICE, ClientId("e"), 2, POISON),
            UpdateRoom(room, ALICE, ClientId("u"), POISON),
            EditMessage(room, ALICE, ClientId("f"), 2, "edited"),
            post(room, "behind"),
        ]
        outcomes = await asyncio.gather(*(outcome(log.submit(each)) for each in commands))
        assert outcomes == ["stored", "internal", "internal", "stored", "stored"]
        assert await texts_of(instance, room) == ["edited", "before", "behind"]


@pytest.mark.parametrize("function", ["decide", "apply"])
async def test_a_bug_in_the_rules_fails_one_command(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, function: str
):
    sound = getattr(log_module, function)

    def broken(state, what, *more):
        if POISON in (getattr(what, "message", ""), getattr(what, "room_name", "")):
            raise InjectedError
        return sound(state, what, *more)

    monkeypatch.setattr(log_module, function, broken)
    async with running(instance.store) as log:
        one, other = await rooms(instance, log, 2)
        peer = UserId(new_id())
        log.presume_empty(private_conversation_id(ALICE, peer))
        commands = [
            post(one, "1"),
            post(one, POISON),
            post(other, "1"),
            UpdateRoom(one, ALICE, ClientId("u"), POISON),
            post(one, "2"),
            post(other, "2"),
            post_private(POISON, receiver=peer),
            post_private("hello", receiver=peer),
        ]
        outcomes = await asyncio.gather(*(outcome(log.submit(each)) for each in commands))
        assert [result == "internal" for result in outcomes] == [
            POISON in (getattr(each, "message", ""), getattr(each, "room_name", ""))
            for each in commands
        ]
        assert outcomes.count("stored") == 5
        for room in (one, other):
            assert await texts_of(instance, room) == ["begun", "1", "2"]


async def test_answers_are_given_where_announcing_meets_a_bug(instance: Instance):
    announced = []

    def committed(conversation_id, entries):
        announced.append(conversation_id)
        raise InjectedError

    async with running(instance.store, committed) as log:
        (room,) = await rooms(instance, log, 1)
        commands = [
            *(post(room, f"{n}") for n in range(5)),
            LeaveRoom(room, BOB, ClientId("l")),
            *(post_private(receiver=UserId(new_id())) for _ in range(3)),
        ]
        outcomes = await asyncio.gather(*(outcome(log.submit(each)) for each in commands))
        assert set(outcomes) == {"stored"}
        assert await texts_of(instance, room) == ["begun", *(f"{n}" for n in range(5))]
        assert announced


@pytest.mark.parametrize("method", ["load", "find_requests", "message"])
async def test_while_a_read_meets_a_bug_commands_fail_and_none_is_left_waiting(
    instance: Instance, method: str
):
    store = Poisonable(instance.store, "before")
    async with running(store) as log:
        sound, hurt = await rooms(instance, log, 2)
        store.broken.add(method)
        sends = [
            post(hurt, POISON),
            EditMessage(hurt, ALICE, ClientId("e"), 2, "edited"),
            # Refused on a state that has to be read again.
            post(hurt, "from outside", sender=UserId(new_id())),
            post(hurt, "behind"),
        ]
        outcomes = await asyncio.gather(*(outcome(log.submit(send)) for send in sends))
        assert "internal" in outcomes
        assert await outcome(log.submit(post(sound, "meanwhile"))) == "stored"
        store.broken.clear()
        assert await outcome(log.submit(post(hurt, "afterwards"))) == "stored"
        assert (await texts_of(instance, hurt))[-1] == "afterwards"


async def test_a_request_that_cannot_be_looked_for_is_refused_alone(instance: Instance):
    store = Poisonable(instance.store, "before")
    find = instance.store.find_requests

    async def find_but_one(conversation_id, keys):
        if any(client_id == "bad" for _, client_id in keys):
            raise InjectedError
        return await find(conversation_id, keys)

    async with running(store) as log:
        (room,) = await rooms(instance, log, 1)
        store.find_requests = find_but_one
        # The insert fails, and all of it is looked for.
        sends = [post(room, "1"), post(room, "2", client_id="bad"), post(room, POISON)]
        outcomes = await asyncio.gather(*(outcome(log.submit(send)) for send in sends))
        assert outcomes == ["stored", "internal", "internal"]


async def test_an_error_says_internal_and_nothing_of_the_bug(instance: Instance):
    async with running(Poisonable(instance.store, "before")) as log:
        (room,) = await rooms(instance, log, 1)
        with pytest.raises(ChatterRoomError) as failed:
            await log.append(post(room, POISON))
    assert failed.value.code is ErrorCode.INTERNAL
    assert "Bug" not in failed.value.message
    assert not failed.value.data


async def test_edits_of_a_message_go_on_after_a_bug(instance: Instance):
    async with running(Poisonable(instance.store, "before")) as log:
        (room,) = await rooms(instance, log, 1)
        for number in range(3):
            bad = EditMessage(room, ALICE, ClientId(f"b{number}"), 2, POISON)
            good = EditMessage(room, ALICE, ClientId(f"g{number}"), 2, f"edit {number}")
            both = (log.submit(bad), log.submit(good))
            assert [await outcome(answer) for answer in both] == ["internal", "stored"]
    entries, _ = await instance.store.entries_after(room, 2, 100)
    assert [each.message for each in entries if isinstance(each, MessageEdited)] == [
        f"edit {number}" for number in range(3)
    ]
