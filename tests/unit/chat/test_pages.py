"""Pages of a conversation: joined they are the whole, and none is larger than it may be."""

import random
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat.documents_mongo import document_of
from chatterroom.chat.entries import MessageEdited, MessagePosted, Reaction
from chatterroom.chat.events import encode_entry
from chatterroom.chat.pages import MAX_PAGE_BYTES, entry_bytes, fitting
from chatterroom.chat.protos import room_message
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.ids import ClientId, ConversationId, UserId, new_id

from .conftest import ALICE, message_posted

ROOM = ConversationId(new_id())
# What users may fill a message with: the most bytes, and the most once it is escaped.
FULL = "\N{ROLLING ON THE FLOOR LAUGHING}" * 8_000
CONTROLS = "\x01" * 8_000


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[ChatStore]:
    async with ChatStore.connect(mongo_url) as connected:
        await connected.prepare()
        yield connected


def message(seq: int, text: str = "hello", reactions: int = 0) -> MessagePosted:
    made = tuple(Reaction(f"emoji{n % 50}", UserId(new_id())) for n in range(reactions))
    return msgspec.structs.replace(message_posted(ROOM, seq), message=text, reactions=made)


def edited(seq: int, messages: int, text: str = "short") -> MessageEdited:
    """Return an edit that follows so many messages."""
    return MessageEdited(
        conversation_id=ROOM,
        seq=seq,
        message_index=messages,
        sender_id=ALICE,
        client_id=ClientId(str(seq)),
        created_at=message(seq).created_at,
        message_seq=1,
        message=text,
    )


async def fill(store: ChatStore, seed: int, entries: int = 150) -> list[int]:
    """Write messages of all sizes with other entries in between; return the seqs of messages."""
    dice = random.Random(seed)
    seqs = []
    documents = []
    for seq in range(1, entries + 1):
        if dice.random() < 0.3:
            text = dice.choice(("short", FULL))
            documents.append(document_of(edited(seq, len(seqs), text)))
            continue
        seqs.append(seq)
        text = dice.choice(("short", "short", "middling " * 200, FULL, CONTROLS))
        posted = message(seq, text, dice.choice((0, 0, 3, 1_000)))
        documents.append(document_of(msgspec.structs.replace(posted, message_index=len(seqs))))
    await store._room_messages.insert_many(documents)
    return seqs


def require_bounded(page: list[MessagePosted]) -> None:
    """Every encoding of the page is within the bound, unless a single message is not."""
    if len(page) > 1:
        assert sum(len(encode_entry(each)) for each in page) <= MAX_PAGE_BYTES
        assert sum(room_message(each).ByteSize() for each in page) <= MAX_PAGE_BYTES


@given(st.lists(st.integers(0, 100)), st.integers(0, 200))
def test_a_page_holds_as_much_as_fits_and_one_at_least(sizes: list[int], max_bytes: int):
    count = fitting(sizes, lambda size: size, max_bytes)
    assert count >= min(1, len(sizes))
    assert count <= 1 or sum(sizes[:count]) <= max_bytes
    assert count == len(sizes) or sum(sizes[: count + 1]) > max_bytes


def test_no_encoding_of_a_message_is_larger_than_what_it_counts_for():
    for text in ("hello", FULL, CONTROLS, '"' * 8_000):
        for reactions in (0, 1, 1_000):
            posted = message(1, text, reactions)
            assert len(encode_entry(posted)) <= entry_bytes(posted)
            assert room_message(posted).ByteSize() <= entry_bytes(posted)


@pytest.mark.parametrize("seed", range(4))
async def test_pages_in_either_direction_joined_are_the_whole_history(store: ChatStore, seed: int):
    seqs = await fill(store, seed)
    dice = random.Random(seed)
    backwards: list[int] = []
    before, more = None, True
    while more:
        page, more = await store.histories.page(ROOM, dice.randint(1, 200), before, None)
        require_bounded(page)
        backwards[:0] = [each.seq for each in page]
        before = page[0].seq
    assert backwards == seqs
    forwards: list[int] = []
    after, more = 0, True
    while more:
        page, more = await store.histories.page(ROOM, dice.randint(1, 200), None, after)
        require_bounded(page)
        forwards += [each.seq for each in page]
        after = page[-1].seq
    assert forwards == seqs


@pytest.mark.parametrize("seed", range(2))
async def test_what_was_missed_is_read_whole_in_bounded_pieces(store: ChatStore, seed: int):
    await fill(store, seed)
    dice = random.Random(seed)
    read: list[int] = []
    more = True
    while more:
        entries, more = await store.entries_after(
            ROOM, read[-1] if read else 0, dice.randint(1, 500)
        )
        assert len(entries) == 1 or sum(map(entry_bytes, entries)) <= MAX_PAGE_BYTES
        read += [each.seq for each in entries]
    assert read == list(range(1, 151))


@pytest.mark.parametrize("floor", [0, 1_500])
async def test_messages_are_found_behind_any_number_of_other_entries(
    store: ChatStore, monkeypatch: pytest.MonkeyPatch, floor: int
):
    monkeypatch.setattr("chatterroom.chat.histories_mongo._SCANNED", 50)
    seqs = [1, 2, 3, 1_000, 1_700, 1_701, 2_900]
    documents = []
    for seq in range(1, 3_001):
        index = sum(each <= seq for each in seqs)
        if seq in seqs:
            posted = msgspec.structs.replace(message(seq), message_index=index)
            documents.append(document_of(posted))
        else:
            documents.append(document_of(edited(seq, index)))
    await store._room_messages.insert_many(documents)
    readable = [seq for seq in seqs if seq > floor]
    for limit in (1, 2, 200):
        backwards: list[int] = []
        before, more = None, True
        while more:
            page, more = await store.histories.page(ROOM, limit, before, None, floor=floor)
            backwards[:0] = [each.seq for each in page]
            before = page[0].seq
        assert backwards == readable
        forwards: list[int] = []
        after, more = 0, True
        while more:
            page, more = await store.histories.page(ROOM, limit, None, after, floor=floor)
            forwards += [each.seq for each in page]
            after = page[-1].seq
        assert forwards == readable
    assert await store.histories.page(ROOM, 10, None, 2_900) == ([], False)
    assert await store.histories.page(ROOM, 10, 1, None) == ([], False)


async def test_a_message_larger_than_a_page_is_a_page_of_its_own(store: ChatStore):
    documents = [document_of(message(seq, FULL)) for seq in (1, 2, 3)]
    await store._room_messages.insert_many(documents)
    seen = []
    before, more = None, True
    while more:
        (only,), more = await store.histories.page(ROOM, 10, before, None, max_bytes=1_000)
        seen.append(only.seq)
        before = only.seq
        if only.seq == 1:
            break
    assert seen == [3, 2, 1]
