"""How far users have read and received: state, not log. The highest mark wins."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import structlog

from chatterroom.background import each_apart, isolated, keep_running, report
from chatterroom.chat.entries import Entry, MessagePosted
from chatterroom.chat.events import encode_marks
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.chat.unread import Raised
from chatterroom.core.errors import ChatterRoomError, StorageUnavailableError
from chatterroom.core.ids import ConversationId, UserId
from chatterroom.core.rate_limits import Policy, RateLimiter
from chatterroom.core.slices import slices

__all__ = ["Marks", "Place"]

log = structlog.get_logger()

FLUSH_S = 0.25
MAX_GATHERED = 10_000
# Marks in one event, and places in one write.
MAX_TOLD = 200
_WRITTEN_AT_ONCE = 1_000
# How often the marks of one user in one conversation are told: a few at once, then one a second
# with the newest. Each is full again after seconds, so forgetting one early changes little.
_TOLD_OFTEN = Policy("marks told", 1.0, 4)

Place = tuple[UserId, ConversationId]


class Marks:
    """Gathers raised marks, and four times a second stores them and tells the members.

    A crash loses at most a quarter of a second of them; the next mark makes up for it.
    """

    def __init__(
        self, store: ChatStore, tell: Callable[[ConversationId, bytes, UserId | None], None]
    ) -> None:
        self._store = store
        self._tell = tell
        self._raised: dict[Place, Raised] = {}
        self._to_tell: dict[Place, UserId | None] = {}
        self._untold: dict[Place, tuple[int, int, UserId | None]] = {}
        """What is stored and is still to be told, and whom not."""
        self._told = RateLimiter(_TOLD_OFTEN, MAX_GATHERED)
        self._any = asyncio.Event()

    def raise_to(
        self,
        user_id: UserId,
        conversation_id: ConversationId,
        *,
        read: int = 0,
        delivered: int = 0,
        seen: bool = False,
        tell: bool = True,
        hidden_from: UserId | None = None,
    ) -> None:
        """Note message indexes up to which a user has read or received a conversation.

        What is read has been received. `seen` ends that having been added is news to the user.
        Beyond the bound new marks are dropped. With `hidden_from` everybody in the conversation is
        notified but that user.
        """
        place = (user_id, conversation_id)
        if len(self._raised) >= MAX_GATHERED and place not in self._raised:
            return
        before = self._raised.get(place, Raised())
        self._raised[place] = Raised(
            max(read, before.read), max(read, delivered, before.delivered), seen or before.seen
        )
        if tell:
            self._to_tell[place] = hidden_from
        self._any.set()

    def note_own(self, entries: Sequence[Entry]) -> None:
        """Count what people write as read by them. Nobody is told: the message itself tells."""
        for entry in entries:
            if isinstance(entry, MessagePosted):
                self.raise_to(
                    entry.sender_id,
                    entry.conversation_id,
                    read=entry.message_index,
                    seen=True,
                    tell=False,
                )

    def pending(self, user_id: UserId, conversation_id: ConversationId) -> Raised:
        """Return marks that are not stored yet.

        Ask before memberships are read, not after: in between they may have been stored.
        """
        return self._raised.get((user_id, conversation_id), Raised())

    def all_pending(self) -> Mapping[Place, Raised]:
        """Return all marks that are not stored yet, for who does not know beforehand which to ask
        for; see `pending`."""
        return self._raised.copy()

    async def run(self) -> None:
        """Store and tell what is raised until cancelled; then store the rest."""
        try:
            await keep_running("marks", self._flush_when_raised)
        finally:
            with isolated("marks"):
                await self._flush()

    async def _flush_when_raised(self) -> None:
        await self._any.wait()
        await asyncio.sleep(FLUSH_S)
        await self._flush()

    async def _flush(self) -> None:
        self._any.clear()
        for marks in slices(list(self._raised.items()), _WRITTEN_AT_ONCE):
            try:
                failures = await each_apart(marks, self._store_marks)
            except StorageUnavailableError:
                self._any.set()
                raise
            for _, error in failures:
                # Such a mark is lost; the next one makes up for it.
                report("marks", error)
            self._note_stored(marks)
        self._tell_stored()

    async def _store_marks(self, marks: Sequence[tuple[Place, Raised]]) -> None:
        await self._store.raise_marks(dict(marks))

    def _note_stored(self, marks: Sequence[tuple[Place, Raised]]) -> None:
        for place, mark in marks:
            if self._raised.get(place) == mark:
                del self._raised[place]
            if place in self._to_tell:
                hidden_from = self._to_tell.pop(place)
                if place in self._untold or len(self._untold) < MAX_GATHERED:
                    self._untold[place] = (mark.read, mark.delivered, hidden_from)

    def _tell_stored(self) -> None:
        told: defaultdict[tuple[ConversationId, UserId | None], list[tuple[UserId, int, int]]] = (
            defaultdict(list)
        )
        now = asyncio.get_running_loop().time()
        for place in tuple(self._untold):
            try:
                self._told.spend(" ".join(place), now)
            except ChatterRoomError:
                self._any.set()  # look again: then the newest is told
                continue
            read, delivered, hidden_from = self._untold.pop(place)
            told[place[1], hidden_from].append((place[0], read, delivered))
        for (conversation_id, hidden_from), news in told.items():
            for some in slices(news, MAX_TOLD):
                with isolated("marks"):
                    self._tell(conversation_id, encode_marks(conversation_id, some), hidden_from)
