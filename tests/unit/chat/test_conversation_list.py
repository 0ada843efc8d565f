"""A user's conversations page by page: nobody is left out, nobody comes twice, newest first."""

import random
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import msgspec
import pytest

from chatterroom.chat.conversation_list import Unstored, list_conversations
from chatterroom.chat.documents_mongo import document_of
from chatterroom.chat.entries import MessagePosted, ReactionAdded
from chatterroom.chat.memberships import Overview
from chatterroom.chat.pages import MAX_PAGE_BYTES, decode_cursor, encode_cursor
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core import times
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ClientId, ConversationId, UserId, new_id

from .conftest import ALICE, BOB, message_posted

FULL = "\N{ROLLING ON THE FLOOR LAUGHING}" * 8_000
NOON = times.now()


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[ChatStore]:
    async with ChatStore.connect(mongo_url) as connected:
        await connected.prepare()
        yield connected


def moment(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def message(room: ConversationId, seq: int, at: datetime, text: str = "hello") -> MessagePosted:
    posted = message_posted(room, seq)
    return msgspec.structs.replace(posted, message=text, created_at=at, updated_at=at)


def reaction(room: ConversationId, seq: int, at: datetime, messages: int = 1) -> ReactionAdded:
    return ReactionAdded(
        conversation_id=room,
        seq=seq,
        message_index=messages,
        sender_id=BOB,
        client_id=ClientId(new_id()),
        created_at=at,
        message_seq=1,
        emoji="+1",
    )


async def insert_room(
    store: ChatStore,
    entries: list,
    *,
    stored_at: datetime | None,
    added_at: datetime = NOON,
    user: UserId = ALICE,
) -> None:
    """Write a room with one member of interest; `stored_at` is where the index has it."""
    room = entries[0].conversation_id
    await store._room_messages.insert_many([document_of(entry) for entry in entries])
    await store._rooms.insert_one(
        {
            "_id": room,
            "room_name": f"Room {room}",
            "settings": {"history": "everything"},
            "members": [{"user_id": user, "joined_at": added_at, "role": "owner"}],
        }
    )
    membership = {
        "_id": f"{user}:{room}",
        "user_id": user,
        "conversation_id": room,
        "private": False,
        "peer_id": None,
        "joined_seq": 0,
        "read_index": 0,
        "delivered_index": 0,
        "added_at": added_at,
    }
    if stored_at is not None:
        membership["active_at"] = stored_at
    await store._memberships.insert_one(membership)


async def listed(
    store: ChatStore, waiting: Mapping[ConversationId, datetime], limit: int, cursor: str
) -> tuple[list[Overview], str]:
    """Return a page of the list of ALICE."""
    page, after = await list_conversations(store, Unstored(waiting, {}), ALICE, limit, cursor)
    return [each.overview for each in page], after


async def pages(
    store: ChatStore, dice: random.Random, waiting: dict[ConversationId, datetime] | None = None
) -> list[list[Overview]]:
    """Page through the list of ALICE to its end."""
    found: list[list[Overview]] = []
    cursor = ""
    while True:
        page, cursor = await listed(store, waiting or {}, dice.randint(1, 12), cursor)
        found.append(page)
        if not cursor:
            return found


def ids(page: list[Overview]) -> list[ConversationId]:
    return [each.membership.conversation_id for each in page]


@pytest.mark.parametrize("seed", range(4))
async def test_pages_joined_are_the_whole_list_whatever_the_index_has(store: ChatStore, seed: int):
    dice = random.Random(seed)
    expected = {}
    waiting = {}
    for minute in dice.sample(range(1_000), 40):
        room = ConversationId(new_id())
        at = moment(minute)
        entries = [message(room, 1, at, dice.choice(("short", FULL)))]
        entries += [reaction(room, 2 + n, moment(2_000)) for n in range(dice.choice((0, 3, 30)))]
        # Up to date, not written yet and known here, not written and unknown here, never written.
        kind = dice.choice(("current", "waiting", "late", "old"))
        if kind == "old" and len(entries) > 10:
            kind = "current"
        stored_at = {"current": at, "old": None}.get(kind, NOON)
        if kind in {"waiting", "late"} and len(entries) > 10:
            stored_at = at
        if kind == "waiting":
            waiting[room] = at
        await insert_room(store, entries, stored_at=stored_at)
        expected[room] = at
    found = await pages(store, dice, waiting)
    shown = [id_ for page in found for id_ in ids(page)]
    assert len(shown) == len(set(shown))
    assert set(shown) == set(expected)
    for page in found:
        order = [each.last_activity_at for each in page]
        assert order == sorted(order, reverse=True)
        assert order == [expected[id_] for id_ in ids(page)]
        texts = sum(len(each.last_message.message.encode()) for each in page if each.last_message)
        assert texts <= MAX_PAGE_BYTES
    # What was outdated has been repaired: the second time everything is in order.
    again = [id_ for page in await pages(store, dice) for id_ in ids(page)]
    assert again == sorted(expected, key=lambda id_: (expected[id_], id_), reverse=True)


async def test_what_waits_to_be_written_is_in_its_place_at_once(store: ChatStore):
    rooms = [ConversationId(new_id()) for _ in range(6)]
    for minute, room in enumerate(rooms):
        await insert_room(store, [message(room, 1, moment(minute))], stored_at=moment(minute))
    late = rooms[0]
    await store._room_messages.insert_one(document_of(message(late, 2, moment(60))))
    page, cursor = await listed(store, {late: moment(60)}, 2, "")
    assert ids(page) == [late, rooms[5]]
    rest, _ = await listed(store, {late: moment(60)}, 10, cursor)
    assert ids(rest) == rooms[4:0:-1]


async def test_only_messages_move_a_conversation(store: ChatStore):
    quiet, loud = ConversationId(new_id()), ConversationId(new_id())
    entries = [message(quiet, 1, moment(1)), reaction(quiet, 2, moment(50))]
    await insert_room(store, entries, stored_at=moment(1))
    await insert_room(store, [message(loud, 1, moment(2))], stored_at=moment(2))
    page, _ = await listed(store, {}, 10, "")
    assert ids(page) == [loud, quiet]
    assert [each.last_activity_at for each in page] == [moment(2), moment(1)]


async def test_the_newest_message_is_found_below_any_number_of_other_entries(store: ChatStore):
    room = ConversationId(new_id())
    entries = [message(room, 1, moment(1), "first"), message(room, 2, moment(2), "newest")]
    entries += [reaction(room, 3 + n, moment(3), messages=2) for n in range(5_000)]
    await insert_room(store, entries, stored_at=moment(2))
    (overview,), _ = await listed(store, {}, 10, "")
    assert overview.last_message is not None
    assert (overview.last_message.seq, overview.last_message.message) == (2, "newest")
    assert (overview.seq, overview.message_index) == (5_002, 2)


async def test_a_list_of_the_longest_messages_comes_in_bounded_pages(store: ChatStore):
    for minute in range(60):
        room = ConversationId(new_id())
        entries = [message(room, 1, moment(minute), FULL)]
        await insert_room(store, entries, stored_at=moment(minute))
    first, cursor = await listed(store, {}, 200, "")
    assert 20 < len(first) < 40
    rest, cursor = await listed(store, {}, 200, cursor)
    assert cursor == ""
    assert len(first) + len(rest) == 60


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%%%",
        encode_cursor("members", "a", "b"),
        encode_cursor("conversations", "not a time", "x")[:-1],
        encode_cursor("conversations", "2026-01-01T00:00:00.000Z", "x") + "A",
    ],
)
async def test_a_damaged_cursor_is_refused(store: ChatStore, cursor: str):
    with pytest.raises(ChatterRoomError) as refused:
        await listed(store, {}, 10, cursor)
    assert refused.value.code is ErrorCode.INVALID_REQUEST


def test_no_cursor_with_a_changed_character_is_accepted():
    cursor = encode_cursor("list", "2026-01-01T00:00:00.000Z", new_id())
    assert len(decode_cursor("list", cursor)) == 2
    for at, character in enumerate(cursor):
        damaged = cursor[:at] + ("A" if character != "A" else "B") + cursor[at + 1 :]
        with pytest.raises(ChatterRoomError):
            decode_cursor("list", damaged)


async def test_memberships_of_an_earlier_version_are_completed(store: ChatStore):
    rooms = [ConversationId(new_id()) for _ in range(5)]
    for minute, room in enumerate(rooms):
        await insert_room(store, [message(room, 1, moment(minute))], stored_at=None)
    while await store.activity.migrate_some():
        pass
    documents = [each async for each in store._memberships.find().sort("active_at", 1)]
    assert [each["conversation_id"] for each in documents] == rooms
    assert [each["active_at"] for each in documents] == [moment(n) for n in range(5)]
    assert {each["role"] for each in documents} == {"owner"}
    assert not await store.activity.migrate_some()
