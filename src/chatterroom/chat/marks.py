"""How far users have read: state, not log. The highest mark wins; writes are gathered."""

import asyncio
from collections.abc import Sequence

import structlog

from chatterroom.chat.conversation import Entry, MessagePosted
from chatterroom.chat.log import StorageUnavailableError
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.ids import ConversationId, UserId

__all__ = ["ReadMarks"]

log = structlog.get_logger()

FLUSH_S = 0.25
MAX_GATHERED = 10_000


class ReadMarks:
    """Gathers raised marks and stores them four times a second.

    A crash loses at most a quarter of a second of them; the next mark makes up for it.
    """

    def __init__(self, store: ChatStore) -> None:
        self._store = store
        self._raised: dict[tuple[UserId, ConversationId], int] = {}
        self._any = asyncio.Event()

    def raise_to(self, user_id: UserId, conversation_id: ConversationId, index: int) -> None:
        """Note that a user has read a conversation up to a message index."""
        key = (user_id, conversation_id)
        if len(self._raised) < MAX_GATHERED or key in self._raised:
            self._raised[key] = max(index, self._raised.get(key, 0))
            self._any.set()

    def note_own(self, entries: Sequence[Entry]) -> None:
        """Count what people write as read by them."""
        for entry in entries:
            if isinstance(entry, MessagePosted):
                self.raise_to(entry.sender_id, entry.conversation_id, entry.message_index)

    def pending(self, user_id: UserId, conversation_id: ConversationId) -> int:
        """Return a mark that is not stored yet, or 0."""
        return self._raised.get((user_id, conversation_id), 0)

    async def run(self) -> None:
        """Store what is raised until cancelled; then store the rest."""
        try:
            while True:
                raise_if_cancelled()
                await self._any.wait()
                await asyncio.sleep(FLUSH_S)
                await self._flush()
        finally:
            await self._flush()

    async def _flush(self) -> None:
        self._any.clear()
        if not self._raised:
            return
        marks = dict(self._raised)
        try:
            await self._store.raise_read_marks(marks)
        except StorageUnavailableError as error:
            log.warning("read_marks_delayed", marks=len(marks), reason=str(error))
            self._any.set()
            return
        for key, index in marks.items():
            if self._raised.get(key) == index:
                del self._raised[key]
