"""When conversations were last written to, which orders lists: gathered, then stored by member.

A list is a range of an index of memberships, so every message would have to be written to all
members. Instead conversations gather here, and what is written is bounded: one that gets messages
all the time is written every ten seconds, and a large room little by little. Lists show the true
order of what they show, and repair what they find outdated (see `conversation_list`).
"""

import asyncio
import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from chatterroom.background import each_apart, isolated, keep_running, report
from chatterroom.chat.entries import Entry, MessagePosted
from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.ids import ConversationId, UserId, is_private

__all__ = ["Activity", "ActivityStore", "migrate"]

FLUSH_S = 0.5
WRITES_PER_S = 400
"""Memberships written, at most, outside a stop."""
REST_S = 10.0
"""After it was written a conversation is left alone for so long: it is near the top of lists, where
its true place is found (see `conversation_list`)."""
SLICE = 200
"""Members of a large room that are written at a time."""
MAX_GATHERED = 20_000
_MIGRATION_PAUSE_S = 0.02
_RETRY_S = 1.0
# More rooms than this that wait are not looked through for one list.
_ROOMS_LOOKED_AT = 1_000


class ActivityStore(Protocol):
    """Where memberships are. Raising to what is stored already, or less, changes nothing. All
    methods raise `StorageUnavailableError`."""

    async def raise_all(self, moments: Mapping[ConversationId, datetime]) -> None:
        """Raise the activity of all memberships of some conversations."""

    async def migrate_some(self) -> bool:
        """Complete memberships that an earlier version has written; return whether any are left."""

    async def raise_slice(
        self, conversation_id: ConversationId, at: datetime, after: UserId | None, limit: int
    ) -> UserId | None:
        """Raise it for the next `limit` members by id; return the last, None where none is left."""


@dataclass(slots=True)
class _Gathered:
    at: datetime
    members: int
    users: tuple[UserId, ...] = ()
    """The two of a private chat."""
    begun_at: datetime | None = None
    """The moment that was written to the first slice."""
    reached: UserId | None = None
    rests_until: float = 0.0
    """On the clock of the loop."""


class Activity:
    """Gathers conversations that got messages, and writes them within a budget.

    A crash loses what waits: those conversations keep their old place on lists of more than a page
    until their next message.
    """

    def __init__(self, store: ActivityStore, members: Callable[[ConversationId], int]) -> None:
        self._store = store
        self._members = members
        self._small: OrderedDict[ConversationId, _Gathered] = OrderedDict()
        self._large: OrderedDict[ConversationId, _Gathered] = OrderedDict()
        self._resting: OrderedDict[ConversationId, _Gathered] = OrderedDict()
        """Got messages soon after they were written; in the order in which their rest ends."""
        self._written_at: OrderedDict[ConversationId, float] = OrderedDict()
        self._chats_of: defaultdict[UserId, set[ConversationId]] = defaultdict(set)
        self._any = asyncio.Event()

    def note(self, conversation_id: ConversationId, entries: Sequence[Entry]) -> None:
        """Take in what was committed. Beyond the bound, new conversations are left out."""
        newest = next((e for e in reversed(entries) if isinstance(e, MessagePosted)), None)
        if newest is None:
            return
        for queue in self._queues:
            known = queue.get(conversation_id)
            if known is not None:
                known.at = max(known.at, newest.created_at)
                return
        if self._count >= MAX_GATHERED:
            return
        gathered = _Gathered(newest.created_at, 2)
        if newest.receiver_id is not None:
            gathered.users = (newest.sender_id, newest.receiver_id)
            for user_id in gathered.users:
                self._chats_of[user_id].add(conversation_id)
        else:
            gathered.members = self._members(conversation_id)
        if conversation_id in self._written_at:
            gathered.rests_until = asyncio.get_running_loop().time() + REST_S
            self._resting[conversation_id] = gathered
        else:
            self._queue_of(gathered)[conversation_id] = gathered
        self._any.set()

    def waiting(self, user_id: UserId) -> dict[ConversationId, datetime]:
        """Return what is not written yet and may concern a user: their private chats, and rooms."""
        chats = [
            (chat, queue[chat].at)
            for chat in self._chats_of.get(user_id, ())
            for queue in self._queues
            if chat in queue
        ]
        rooms = [
            (room, gathered.at)
            for queue in self._queues
            for room, gathered in islice(reversed(queue.items()), _ROOMS_LOOKED_AT)
            if not is_private(room)
        ]
        return dict(chats + rooms)

    async def run(self) -> None:
        """Write what is gathered until cancelled; then the rest."""
        try:
            await keep_running("activity", self._flush_when_any)
        finally:
            self._wake(math.inf)
            with isolated("activity"):
                while self._any.is_set():
                    await self._flush(WRITES_PER_S)

    async def _flush_when_any(self) -> None:
        await self._any.wait()
        await asyncio.sleep(FLUSH_S)
        await self._flush(int(WRITES_PER_S * FLUSH_S))

    async def _flush(self, budget: int) -> None:
        """Write the oldest."""
        self._wake(asyncio.get_running_loop().time())
        await self._write(budget)
        if not self._count:
            self._any.clear()

    @property
    def _queues(self) -> tuple[OrderedDict[ConversationId, _Gathered], ...]:
        return self._small, self._large, self._resting

    @property
    def _count(self) -> int:
        return sum(map(len, self._queues))

    def _queue_of(self, gathered: _Gathered) -> OrderedDict[ConversationId, _Gathered]:
        # A room that is not known any more may be of any size.
        return self._small if 0 < gathered.members <= SLICE else self._large

    def _wake(self, now: float) -> None:
        """Queue those whose rest has ended, and forget who may be written at once again."""
        while self._resting:
            conversation_id, gathered = next(iter(self._resting.items()))
            if gathered.rests_until > now:
                break
            del self._resting[conversation_id]
            self._queue_of(gathered)[conversation_id] = gathered
        while self._written_at and next(iter(self._written_at.values())) <= now - REST_S:
            self._written_at.popitem(last=False)

    async def _write(self, budget: int) -> None:
        # However many small ones wait, a large room gets on; and the other way round.
        kept_back = SLICE if self._large else 0
        moments: dict[ConversationId, datetime] = {}
        for conversation_id, gathered in self._small.items():
            if budget - kept_back <= 0:
                break
            moments[conversation_id] = gathered.at
            budget -= gathered.members
        if moments:
            for _, error in await each_apart(list(moments.items()), self._raise_all):
                report("activity", error)
            for conversation_id, at in moments.items():
                self._written(self._small, conversation_id, at)
        while self._large and budget > 0:
            budget -= SLICE
            await self._write_slice(next(iter(self._large)))

    async def _raise_all(self, moments: Sequence[tuple[ConversationId, datetime]]) -> None:
        await self._store.raise_all(dict(moments))

    async def _write_slice(self, conversation_id: ConversationId) -> None:
        gathered = self._large[conversation_id]
        self._large.move_to_end(conversation_id)
        gathered.begun_at = gathered.begun_at or gathered.at
        gathered.reached = await self._store.raise_slice(
            conversation_id, gathered.at, gathered.reached, SLICE
        )
        if gathered.reached is None:
            at, gathered.begun_at = gathered.begun_at, None
            self._written(self._large, conversation_id, at)

    def _written(
        self,
        queue: OrderedDict[ConversationId, _Gathered],
        conversation_id: ConversationId,
        at: datetime,
    ) -> None:
        """Forget what was written; something newer that has come by now waits."""
        gathered = queue.pop(conversation_id)
        now = asyncio.get_running_loop().time()
        self._written_at.pop(conversation_id, None)
        self._written_at[conversation_id] = now
        if gathered.at > at:
            gathered.rests_until = now + REST_S
            self._resting[conversation_id] = gathered
            return
        for user_id in gathered.users:
            chats = self._chats_of[user_id]
            chats.discard(conversation_id)
            if not chats:
                del self._chats_of[user_id]


async def migrate(store: ActivityStore) -> None:
    """Complete all memberships of an earlier version, a few at a time. Until then lists show them
    last. Where it is interrupted, the next start goes on from there."""
    done = False
    while not done:
        raise_if_cancelled()
        pause_s = _RETRY_S
        with isolated("migration"):
            done = not await store.migrate_some()
            pause_s = _MIGRATION_PAUSE_S
        await asyncio.sleep(pause_s)
