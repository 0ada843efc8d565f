"""Deletions of messages with more edits than the limit allows, from before there was one."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from pymongo import AsyncMongoClient

from chatterroom.chat import erasures
from chatterroom.chat.conversation import DeleteMessage, EditMessage
from chatterroom.chat.documents_mongo import document_of
from chatterroom.chat.entries import MessageDeleted, MessageEdited, MessagePosted
from chatterroom.chat.erasures import keep_erasing
from chatterroom.chat.erasures_mongo import ERASED_AT_ONCE
from chatterroom.core import times
from chatterroom.core.ids import ClientId, message_id

from .conftest import ALICE, BOB, Instance, create_room, post

SECRET = "what was said"
EDITS = 3 * ERASED_AT_ONCE + 7


@pytest.fixture
async def edited(instance: Instance, mongo_url: str) -> tuple[str, int]:
    """A room in which a message was edited more often than a deletion erases by itself."""
    room = create_room(BOB)
    await instance.log.append(room)
    for text in (SECRET, "another"):
        await instance.log.append(post(room.conversation_id, text))
    sample = await instance.log.append(
        EditMessage(room.conversation_id, ALICE, ClientId("e"), 2, f"{SECRET} 0")
    )
    seqs = list(range(4, 4 + EDITS))
    copies = [
        document_of(
            msgspec.structs.replace(
                sample.entry, seq=seq, client_id=ClientId(f"e{seq}"), message=f"{SECRET} {seq}"
            )
        )
        for seq in seqs[1:]
    ]
    async with AsyncMongoClient(mongo_url) as client:
        messages = client.get_default_database()["room_messages"]
        await messages.insert_many(copies)
        await messages.update_one(
            {"_id": message_id(room.conversation_id, 2)},
            {"$set": {"edit_seqs": seqs, "changed_seq": seqs[-1]}},
        )
    return room.conversation_id, seqs[-1]


async def said(instance: Instance, conversation_id) -> set[str]:
    """Return all texts that a resume from the beginning gives."""
    texts: set[str] = set()
    seq, more = 0, True
    while more:
        entries, more = await instance.store.entries_after(conversation_id, seq, 500)
        assert [entry.seq for entry in entries] == list(range(seq + 1, seq + 1 + len(entries)))
        seq = entries[-1].seq
        texts |= {
            entry.message for entry in entries if isinstance(entry, MessagePosted | MessageEdited)
        }
    return texts


async def stored_texts(mongo_url: str) -> int:
    async with AsyncMongoClient(mongo_url) as client:
        messages = client.get_default_database()["room_messages"]
        return await messages.count_documents({"message": {"$regex": f"^{SECRET}"}})


async def test_the_texts_of_any_number_of_edits_are_gone_at_once(
    instance: Instance, other: Instance, edited, mongo_url: str
):
    room, last_edit = edited
    delete = DeleteMessage(room, ALICE, ClientId("d"), 2)
    deleted = await instance.log.append(delete)
    assert isinstance(deleted.entry, MessageDeleted)
    assert (await instance.store.message(room, 2)).edit_seqs == ()
    assert await said(other, room) == {"", "another"}
    found = await other.store.find_requests(room, [(ALICE, ClientId(f"e{last_edit}"))])
    (edit,) = found.values()
    assert edit.message == ""
    again = await other.log.append(delete)
    assert (again.entry, again.duplicate) == (deleted.entry, True)
    # They are hidden before they are erased.
    assert await stored_texts(mongo_url) == EDITS
    async with AsyncMongoClient(mongo_url) as client:
        pending = await client.get_default_database()["erasures"].find().to_list()
    assert [len(each["edit_seqs"]) for each in pending] == [ERASED_AT_ONCE] * 3 + [7]


async def test_what_is_left_is_erased_in_batches_by_any_instance_and_after_a_crash(
    instance: Instance, other: Instance, edited, mongo_url: str, monkeypatch: pytest.MonkeyPatch
):
    room, _ = edited
    await instance.log.append(DeleteMessage(room, ALICE, ClientId("d"), 2))
    now = times.now()
    # One instance claims a batch and dies.
    async with AsyncMongoClient(mongo_url) as client:
        await client.get_default_database()["erasures"].update_one(
            {}, {"$set": {"due_at": now + timedelta(seconds=10)}}
        )
    both = [store.erasures.erase_some(now) for store in (instance.store, other.store)]
    assert await asyncio.gather(*both) == [True, True]
    assert await stored_texts(mongo_url) <= EDITS - ERASED_AT_ONCE - 7
    while await other.store.erasures.erase_some(now):
        pass
    assert await stored_texts(mongo_url) == ERASED_AT_ONCE
    assert await other.store.erasures.erase_some(now + timedelta(seconds=11))
    assert not await other.store.erasures.erase_some(now + timedelta(seconds=60))
    assert await stored_texts(mongo_url) == 0
    assert await said(instance, room) == {"", "another"}


async def test_an_instance_erases_what_it_finds(
    instance: Instance, edited, mongo_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(erasures, "LOOK_EVERY_S", 0.01)
    room, _ = edited
    erasing = asyncio.create_task(keep_erasing(instance.store.erasures))
    await instance.log.append(DeleteMessage(room, ALICE, ClientId("d"), 2))
    async with asyncio.timeout(60):
        while await stored_texts(mongo_url):
            await asyncio.sleep(0.01)
    erasing.cancel()
    await asyncio.wait([erasing])


async def test_edits_of_what_is_not_deleted_are_read_as_they_are(instance: Instance, edited):
    room, last_edit = edited
    assert f"{SECRET} {last_edit}" in await said(instance, room)
