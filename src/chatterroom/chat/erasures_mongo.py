"""What deletions still have to erase, in MongoDB: texts of edits that are too many for a moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.chat.entries import Entry, MessageDeleted, MessageEdited
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import ConversationId, is_private, message_id
from chatterroom.core.slices import slices
from chatterroom.storage.availability_mongo import available

__all__ = ["ERASED_AT_ONCE", "MongoErasures"]

ERASED_AT_ONCE = 1_000
"""Texts of edits that one write erases, and that a deletion erases by itself."""
_CLAIMED_FOR = timedelta(seconds=10)


@uncancelled
class MongoErasures:
    """Erases the texts of edits whose message is deleted.

    The collection `erasures` has what is still to be erased, in documents of `ERASED_AT_ONCE`
    edits. Each is erased by one write, which may be repeated, and then dropped: so it goes on after
    a crash, on any instance.
    """

    def __init__(self, database: "AsyncDatabase[dict[str, Any]]") -> None:
        self._database = database
        self._erasures = database["erasures"]

    async def prepare(self) -> None:
        """Create the index that is missing."""
        with available():
            await self._erasures.create_index("due_at", name="due")

    async def begin(self, entry: MessageDeleted, edit_seqs: Sequence[int], session: Any) -> None:
        """Erase, within a transaction, the texts of a deleted message's edits, or note that they
        are to be erased."""
        if len(edit_seqs) <= ERASED_AT_ONCE:
            await self._erase(entry.conversation_id, edit_seqs, session)
            return
        deletion = message_id(entry.conversation_id, entry.seq)
        await self._erasures.insert_many(
            [
                {
                    "_id": f"{deletion}:{number}",
                    "conversation_id": entry.conversation_id,
                    "edit_seqs": list(some),
                    "due_at": entry.created_at,
                }
                for number, some in enumerate(slices(edit_seqs, ERASED_AT_ONCE))
            ],
            session=session,
        )

    async def erase_some(self, now: datetime) -> bool:
        """Erase some of what is to be erased; return False where nothing is due.

        Raises `StorageUnavailableError`. What fails is due again ten seconds later.
        """
        with available():
            due = await self._erasures.find_one_and_update(
                {"due_at": {"$lte": now}},
                {"$set": {"due_at": now + _CLAIMED_FOR}},
                sort=[("due_at", ASCENDING)],
            )
            if due is None:
                return False
            await self._erase(ConversationId(due["conversation_id"]), due["edit_seqs"])
            await self._erasures.delete_one({"_id": due["_id"]})
        return True

    async def hide(self, entries: list[Entry]) -> list[Entry]:
        """Return entries without the texts of edits whose message is deleted, erased or not.

        Only where there are edits it costs a read. Raises `StorageUnavailableError`.
        """
        edited = {
            message_id(entry.conversation_id, entry.message_seq)
            for entry in entries
            if isinstance(entry, MessageEdited) and entry.message
        }
        if not edited:
            return entries
        messages = self._messages(entries[0].conversation_id)
        with available():
            found = messages.find({"_id": {"$in": list(edited)}, "deleted": True}, {"_id": 1})
            deleted = {document["_id"] async for document in found}
        return [_hidden(entry, deleted) for entry in entries] if deleted else entries

    async def _erase(
        self, conversation_id: ConversationId, edit_seqs: Iterable[int], session: Any = None
    ) -> None:
        edits = [message_id(conversation_id, seq) for seq in edit_seqs]
        await self._messages(conversation_id).update_many(
            {"_id": {"$in": edits}},
            {"$set": {"message": ""}, "$unset": {"mentions": "", "mention_names": ""}},
            session=session,
        )

    def _messages(self, conversation_id: ConversationId) -> Any:
        private = is_private(conversation_id)
        return self._database["private_messages" if private else "room_messages"]


def _hidden(entry: Entry, deleted: set[str]) -> Entry:
    if not isinstance(entry, MessageEdited):
        return entry
    if message_id(entry.conversation_id, entry.message_seq) not in deleted:
        return entry
    return msgspec.structs.replace(entry, message="", mentions=(), mention_names=())
