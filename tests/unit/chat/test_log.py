import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from chatterroom.chat.conversation import AddMember, LeaveRoom, ReactToMessage
from chatterroom.chat.entries import MessagePosted
from chatterroom.chat.log import Appended, ConversationLog
from chatterroom.core.errors import ChatterRoomError, ErrorCode, StorageUnavailableError
from chatterroom.core.ids import ClientId, UserId, new_id, private_conversation_id

from .conftest import ALICE, BOB, CAROL, Instance, create_room, post, post_private


async def stored(instance: Instance, conversation) -> list:
    entries, _ = await instance.store.entries_after(conversation, 0, 10_000, 1 << 30)
    return entries


async def test_messages_are_numbered_without_holes_and_stored(instance: Instance):
    room = create_room(BOB)
    await instance.log.append(room)
    answers = await asyncio.gather(
        *(instance.log.append(post(room.conversation_id, f"{n}")) for n in range(300))
    )
    entries = await stored(instance, room.conversation_id)
    assert [entry.seq for entry in entries] == list(range(1, 302))
    assert [entry.message_index for entry in entries] == list(range(301))
    assert [answer.entry for answer in answers] == entries[1:]
    assert instance.committed == entries


async def test_one_senders_messages_keep_their_order(instance: Instance):
    room = create_room()
    await instance.log.append(room)
    await asyncio.gather(
        *(instance.log.append(post(room.conversation_id, f"{n}")) for n in range(700))
    )
    texts = [entry.message for entry in (await stored(instance, room.conversation_id))[1:]]
    assert texts == [f"{n}" for n in range(700)]


async def test_ten_concurrent_sends_with_one_client_id_store_one_message(instance: Instance):
    first = [instance.log.append(post_private(client_id="same")) for _ in range(10)]
    answers = await asyncio.gather(*first)
    assert len({answer.entry.seq for answer in answers}) == 1
    assert [answer.duplicate for answer in answers].count(False) == 1
    assert len(await stored(instance, answers[0].entry.conversation_id)) == 1


async def test_many_first_messages_at_once_each_begin_a_private_chat(instance: Instance):
    peers = [UserId(new_id()) for _ in range(250)]
    answers = await asyncio.gather(
        *(instance.log.append(post_private(f"to {peer}", receiver=peer)) for peer in peers)
    )
    assert {answer.entry.seq for answer in answers} == {1}
    for peer, answer in zip(peers, answers, strict=True):
        assert await stored(instance, answer.entry.conversation_id) == [answer.entry]
        (membership,) = await instance.store.memberships(peer)
        assert (membership.peer_id, membership.read_index) == (ALICE, 0)
    assert len(await instance.store.memberships(ALICE)) == len(peers)
    assert sorted(instance.committed, key=lambda entry: entry.conversation_id) == sorted(
        (answer.entry for answer in answers), key=lambda entry: entry.conversation_id
    )


async def test_a_chat_that_began_elsewhere_does_not_hold_up_others_that_begin(
    instance: Instance, other: Instance
):
    peers = [UserId(new_id()) for _ in range(20)]
    for peer in peers:
        instance.log.presume_empty(private_conversation_id(ALICE, peer))
    begun = peers[7]
    theirs = await other.log.append(post_private("first", sender=begun, receiver=ALICE))
    answers = await asyncio.gather(
        *(instance.log.append(post_private("hello", receiver=peer)) for peer in peers)
    )
    assert [answer.entry.seq for answer in answers] == [2 if p == begun else 1 for p in peers]
    assert not any(answer.duplicate for answer in answers)
    chat = theirs.entry.conversation_id
    assert [entry.message for entry in await stored(instance, chat)] == ["first", "hello"]


async def test_a_repeated_first_message_is_found_among_others_that_begin(
    instance: Instance, other: Instance
):
    peers = [UserId(new_id()) for _ in range(20)]
    for peer in peers:
        instance.log.presume_empty(private_conversation_id(ALICE, peer))
    repeated = post_private("once", receiver=peers[3])
    first = await other.log.append(repeated)
    sends = [post_private("hello", receiver=peer) for peer in peers if peer != peers[3]]
    answers = await asyncio.gather(*(instance.log.append(each) for each in (*sends, repeated)))
    assert [answer.duplicate for answer in answers] == [False] * len(sends) + [True]
    assert answers[-1].entry == first.entry


async def test_two_instances_store_a_repeated_send_once(instance: Instance, other: Instance):
    room = create_room()
    await instance.log.append(room)
    sends = [
        each.log.append(post(room.conversation_id, client_id="same"))
        for each in (instance, other) * 5
    ]
    answers = await asyncio.gather(*sends)
    assert len({answer.entry.seq for answer in answers}) == 1
    assert len(await stored(instance, room.conversation_id)) == 2


async def test_a_repeat_gets_the_first_answer_even_with_another_text(instance: Instance):
    first = await instance.log.append(post_private("one", client_id="same"))
    await instance.log.append(post_private("two"))
    again = await instance.log.append(post_private("changed", client_id="same"))
    assert again.duplicate
    assert again.entry == first.entry


async def test_a_repeat_does_not_disturb_its_neighbours(instance: Instance):
    room = create_room()
    await instance.log.append(room)
    await instance.log.append(post(room.conversation_id, "first", client_id="same"))
    sends = [post(room.conversation_id, f"{n}") for n in range(50)]
    sends.insert(25, post(room.conversation_id, "again", client_id="same"))
    answers = await asyncio.gather(*(instance.log.append(send) for send in sends))
    assert [answer.duplicate for answer in answers].index(True) == 25
    texts = [entry.message for entry in (await stored(instance, room.conversation_id))[1:]]
    assert texts == ["first", *(f"{n}" for n in range(50))]


async def test_two_instances_write_one_room_in_one_dense_order(instance: Instance, other: Instance):
    room = create_room(BOB)
    await instance.log.append(room)

    async def chatter(each: Instance, sender) -> list[int]:
        return [
            (await each.log.append(post(room.conversation_id, f"{n}", sender))).entry.seq
            for n in range(60)
        ]

    mine, theirs = await asyncio.gather(chatter(instance, ALICE), chatter(other, BOB))
    assert sorted(mine + theirs) == list(range(2, 122))
    assert mine == sorted(mine)
    assert theirs == sorted(theirs)
    entries = await stored(instance, room.conversation_id)
    assert [entry.seq for entry in entries] == list(range(1, 122))


async def test_someone_removed_elsewhere_cannot_send_here(instance: Instance, other: Instance):
    room = create_room(BOB)
    await instance.log.append(room)
    await other.log.append(post(room.conversation_id, sender=BOB))
    await instance.log.append(LeaveRoom(room.conversation_id, BOB, ClientId(new_id())))
    with pytest.raises(ChatterRoomError) as refusal:
        await other.log.append(post(room.conversation_id, sender=BOB))
    assert refusal.value.code is ErrorCode.ROOM_NOT_FOUND


async def test_someone_added_elsewhere_can_send_here_at_once(instance: Instance, other: Instance):
    room = create_room()
    await instance.log.append(room)
    await other.log.append(post(room.conversation_id))
    add = AddMember(room.conversation_id, ALICE, ClientId(new_id()), CAROL)
    await instance.log.append(add)
    sent = await other.log.append(post(room.conversation_id, sender=CAROL))
    assert sent.entry.seq == 4


async def test_a_repeated_command_that_changed_members_is_a_duplicate_not_a_refusal(
    instance: Instance, other: Instance
):
    room = create_room(BOB)
    for each in (instance, other):
        created = await each.log.append(room)
        assert created.entry.seq == 1
    add = AddMember(room.conversation_id, ALICE, ClientId(new_id()), CAROL)
    leave = LeaveRoom(room.conversation_id, BOB, ClientId(new_id()))
    for command in (add, leave):
        first = await instance.log.append(command)
        for each in (instance, other):
            again = await each.log.append(command)
            assert (again.entry, again.duplicate) == (first.entry, True)


async def test_a_refusal_burns_no_number(instance: Instance):
    room = create_room()
    await instance.log.append(room)
    with pytest.raises(ChatterRoomError):
        await instance.log.append(post(room.conversation_id, sender=BOB))
    sent = await instance.log.append(post(room.conversation_id))
    assert sent.entry.seq == 2


class UnansweredInserts:
    """A store whose inserts are carried out, but whose answers are lost `losses` times."""

    def __init__(self, store, losses: int) -> None:
        self._store = store
        self._losses = losses

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    async def insert_messages(self, entries: Sequence[MessagePosted]) -> int:
        return await self._lose(self._store.insert_messages(entries))

    async def insert_firsts(self, entries: Sequence[MessagePosted]) -> bool:
        return await self._lose(self._store.insert_firsts(entries))

    async def insert_with_effects(self, entry, after, target) -> bool:
        return await self._lose(self._store.insert_with_effects(entry, after, target))

    async def _lose(self, insert):
        answer = await insert
        if self._losses:
            self._losses -= 1
            raise StorageUnavailableError
        return answer


async def test_an_insert_whose_answer_is_lost_is_neither_doubled_nor_lost(instance: Instance):
    committed: list = []
    store = UnansweredInserts(instance.store, losses=2)
    log = ConversationLog(store, lambda _, entries: committed.extend(entries))
    task = asyncio.create_task(log.run())
    room = create_room()
    created = await log.append(room)
    answers = await asyncio.gather(*(log.append(post(room.conversation_id)) for _ in range(20)))
    task.cancel()
    await asyncio.wait([task])
    assert not created.duplicate
    assert not any(answer.duplicate for answer in answers)
    entries = await stored(instance, room.conversation_id)
    assert [entry.seq for entry in entries] == list(range(1, 22))
    assert committed == entries


class StoredBehindALook:
    """A store where the first look for a request comes just before another instance stores it."""

    def __init__(self, store, stored_elsewhere: Callable[[], Awaitable[Appended]]) -> None:
        self._store = store
        self._stored_elsewhere = stored_elsewhere
        self._looks = 0

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    async def find_requests(self, conversation_id, keys):
        found = await self._store.find_requests(conversation_id, keys)
        self._looks += 1
        if self._looks == 1:
            await self._stored_elsewhere()
        return found


async def test_a_request_stored_elsewhere_while_it_is_decided_is_no_refusal(instance: Instance):
    room = create_room(BOB)
    await instance.log.append(room)
    await instance.log.append(post(room.conversation_id))
    react = ReactToMessage(room.conversation_id, BOB, ClientId("r"), 2, "👍")
    store = StoredBehindALook(instance.store, lambda: instance.log.append(react))
    log = ConversationLog(store, lambda *_: None)
    task = asyncio.create_task(log.run())
    await log.append(post(room.conversation_id))
    await instance.log.append(post(room.conversation_id))
    answer = await log.append(react)
    task.cancel()
    await asyncio.wait([task])
    assert (answer.entry.seq, answer.duplicate) == (5, True)
    assert len(await stored(instance, room.conversation_id)) == 5


@pytest.mark.parametrize(
    "refusal", [ChatterRoomError(ErrorCode.BLOCKED, "no"), StorageUnavailableError()]
)
async def test_what_the_caller_refuses_is_refused_behind_a_look_for_the_request(
    instance: Instance, refusal: ChatterRoomError
):
    room = create_room(BOB)
    await instance.log.append(room)
    sent = post(room.conversation_id)
    with pytest.raises(ChatterRoomError) as refused:
        await instance.log.submit(sent, refusal)
    assert refused.value is refusal
    first = await instance.log.append(sent)
    assert first.entry.seq == 2
    again = await instance.log.submit(sent, refusal)
    assert (again.entry, again.duplicate) == (first.entry, True)


async def test_first_messages_whose_answer_is_lost_are_neither_doubled_nor_lost(
    instance: Instance,
):
    committed: list = []
    store = UnansweredInserts(instance.store, losses=2)
    log = ConversationLog(store, lambda _, entries: committed.extend(entries))
    task = asyncio.create_task(log.run())
    peers = [UserId(new_id()) for _ in range(20)]
    for peer in peers:
        log.presume_empty(private_conversation_id(ALICE, peer))
    answers = await asyncio.gather(*(log.append(post_private(receiver=peer)) for peer in peers))
    task.cancel()
    await asyncio.wait([task])
    assert not any(answer.duplicate for answer in answers)
    for answer in answers:
        assert await stored(instance, answer.entry.conversation_id) == [answer.entry]
    assert len(committed) == len(peers)


class NoStore:
    def __getattr__(self, name: str):
        async def unavailable(*_):
            raise StorageUnavailableError

        return unavailable


async def test_without_storage_a_send_fails_by_its_deadline(monkeypatch):
    monkeypatch.setattr("chatterroom.chat.log.DEADLINE_S", 0.2)
    log = ConversationLog(NoStore(), lambda *_: None)
    task = asyncio.create_task(log.run())
    with pytest.raises(ChatterRoomError) as refusal:
        await log.append(post_private())
    assert refusal.value.code is ErrorCode.STORAGE_UNAVAILABLE
    assert refusal.value.retry_after_s
    task.cancel()
    await asyncio.wait([task])


async def test_more_than_may_wait_is_refused_at_once(monkeypatch):
    monkeypatch.setattr("chatterroom.chat.log.MAX_PENDING", 3)
    log = ConversationLog(NoStore(), lambda *_: None)
    waiting = [log.submit(post_private()) for _ in range(3)]
    with pytest.raises(ChatterRoomError) as refusal:
        log.submit(post_private())
    assert refusal.value.code is ErrorCode.OVERLOADED
    for answer in waiting:
        answer.cancel()


async def test_what_is_kept_of_rooms_is_bounded_by_their_members(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("chatterroom.chat.log.MAX_CACHED_MEMBERS", 10)
    rooms = [create_room(BOB, CAROL) for _ in range(6)]
    for room in rooms:
        await instance.log.append(room)
    known = [instance.log.member_count(room.conversation_id) for room in rooms]
    assert known == [0, 0, 0, 3, 3, 3], "what was used least recently is forgotten"
    for room in rooms:
        await instance.log.append(LeaveRoom(room.conversation_id, BOB, ClientId(new_id())))
    known = [instance.log.member_count(room.conversation_id) for room in rooms]
    assert sum(known) <= 10
    assert known[-4:] == [2, 2, 2, 2]
    await instance.log.append(post(rooms[0].conversation_id, "still there"))
