import pytest
from pymongo import WriteConcern
from tests.unit.chat.conftest import message_posted

from chatterroom.chat.entries import MessagePosted
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import ConversationId, new_id

ROOM = ConversationId(new_id())


def message(seq: int) -> MessagePosted:
    return message_posted(ROOM, seq)


def unconfirmed(store: ChatStore) -> None:
    """Have the store wait for two members of a set of one: what is written is not confirmed."""
    concern = WriteConcern(w=2, wtimeout=100)
    store._room_messages = store._room_messages.with_options(write_concern=concern)


async def test_messages_that_are_stored_but_not_confirmed_are_in_doubt(mongo_url: str):
    async with ChatStore.connect(mongo_url) as store:
        await store.prepare()
        unconfirmed(store)
        with pytest.raises(StorageUnavailableError):
            await store.insert_messages([message(1)])


async def test_what_precedes_a_taken_place_is_in_doubt_where_it_is_not_confirmed(mongo_url: str):
    async with ChatStore.connect(mongo_url) as store:
        await store.prepare()
        assert await store.insert_messages([message(2)]) == 1
        assert await store.insert_messages([message(1), message(2)]) == 1
        unconfirmed(store)
        with pytest.raises(StorageUnavailableError):
            await store.insert_messages([message(3), message(2)])
