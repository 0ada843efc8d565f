"""The conversations that one socket follows: which, since when, and until when."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import islice
from typing import Any

from chatterroom.chat.commands import MAX_RESUMED
from chatterroom.chat.hub import Hub, Outlet, Subscription
from chatterroom.chat.leases_redis import Leases, room_connections
from chatterroom.chat.memberships import Membership
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.ids import ConversationId, is_private
from chatterroom.core.slices import slices

__all__ = ["Following"]

_STARTED_AT_ONCE = 8
# Whoever takes part in thousands of conversations must not hold up others: so many at a time.
_AT_A_TIME = 500


class Following:
    """Follows a room, or all conversations of a user, on behalf of an outlet.

    Nothing is delivered before `go_live`. Raises `StorageUnavailableError` where it must read.
    """

    __slots__ = (
        "_appeared_early",
        "_ended",
        "_floors",
        "_hub",
        "_is_much",
        "_leases",
        "_outlet",
        "_store",
        "_subscriptions",
        "is_live",
    )

    def __init__(self, outlet: Outlet, hub: Hub, store: ChatStore, leases: Leases) -> None:
        self._outlet = outlet
        self._hub = hub
        self._store = store
        self._leases = leases
        self._subscriptions: dict[ConversationId, Subscription] = {}
        self._appeared_early: dict[ConversationId, int] = {}
        self._floors: dict[ConversationId, int] = {}
        self._ended = False
        self._is_much = False
        self.is_live = False

    def __contains__(self, conversation_id: ConversationId) -> bool:
        return conversation_id in self._subscriptions

    async def open_room(self, conversation_id: ConversationId) -> Membership | None:
        """Prepare to follow one room; None where the user is not in it."""
        await self._subscribe([conversation_id])
        # Read second: a removal before this is seen here, one after it is delivered.
        membership = await self._store.membership(self._outlet.user_id, conversation_id)
        if membership is not None:
            self._floors = await self._store.reading_floors([membership])
        return membership

    async def open_all(self) -> list[Membership]:
        """Prepare to follow all conversations of the user; return its memberships."""
        user_id = self._outlet.user_id
        await self._hub.watch(self._outlet)
        before = self._hub.moment()
        memberships = await self._store.memberships(user_id)
        self._is_much = len(memberships) > _AT_A_TIME
        for some in slices(memberships, _AT_A_TIME):
            async with self.turn():
                await self._subscribe([each.conversation_id for each in some])
        if self._hub.may_lack_removals(self._subscriptions.values(), before):
            memberships = await self._store.memberships(user_id)
            still = {each.conversation_id for each in memberships}
            for conversation_id in [id_ for id_ in self._subscriptions if id_ not in still]:
                self._unsubscribe(conversation_id)
        for some in slices(memberships, _AT_A_TIME):
            async with self.turn():
                self._floors |= await self._store.reading_floors(some)
        return [each for each in memberships if each.conversation_id in self._subscriptions]

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Hold a piece of work until it is its turn, if what is followed is much: many sockets of
        users with thousands of conversations must not hold up others."""
        return self._hub.turns.turn() if self._is_much else nullcontext()

    def heads(self) -> dict[ConversationId, int]:
        """Return up to which seq each conversation has been delivered, or will have been."""
        return {id_: each.reached for id_, each in self._subscriptions.items()}

    async def go_live(self, after: dict[ConversationId, int]) -> None:
        """Deliver what came after the given seqs, elsewhere from the opening on, then all new.

        Where it fails, some conversations are live and others are not: the outlet has to begin
        anew.
        """
        gate = asyncio.Semaphore(_STARTED_AT_ONCE)

        async def start(subscription: Subscription) -> None:
            from_seq = after.get(subscription.conversation_id)
            if from_seq is not None:
                from_seq = max(from_seq, self._floors.get(subscription.conversation_id, 0))
            async with gate:
                await self._hub.start(subscription, from_seq)

        for some in slices(tuple(self._subscriptions.values()), _AT_A_TIME):
            async with self.turn():
                behind = [each for each in some if not self._hub.start_at_once(each, after)]
            await _all([start(each) for each in behind])
        self.is_live = True
        early, self._appeared_early = self._appeared_early, {}
        for conversation_id, seq in early.items():
            self._outlet.appeared(conversation_id, seq)

    def is_new(self, conversation_id: ConversationId, seq: int) -> bool:
        """Say whether `join` is called for; before `go_live` it is put off."""
        if conversation_id in self._subscriptions:
            return False
        if not self.is_live and len(self._appeared_early) < MAX_RESUMED:
            self._appeared_early[conversation_id] = seq
        return self.is_live

    async def join(self, conversation_id: ConversationId, seq: int) -> None:
        """Follow a conversation from the entry with which the user came in; a private chat that
        the user has accepted, from its beginning."""
        for subscription in await self._subscribe([conversation_id]):
            membership = await self._store.membership(self._outlet.user_id, conversation_id)
            if membership is None or membership.request is not None:
                self._unsubscribe(conversation_id)
            else:
                await self._hub.start(subscription, min(seq, membership.joined_seq) - 1)

    def removed(self, conversation_id: ConversationId) -> None:
        """Forget a conversation whose subscription the hub has ended."""
        if self._subscriptions.pop(conversation_id, None) is not None:
            self._give_up(conversation_id)

    def end(self) -> bool:
        """Follow nothing new any more, and give up what is followed.

        Return whether that is so much that it is left to `give_up_some`.
        """
        self._ended = True
        self._hub.unwatch(self._outlet)
        return self._is_much or self.give_up_some()

    def give_up_some(self) -> bool:
        """Give up some of what is followed; return whether there is more."""
        for conversation_id in tuple(islice(self._subscriptions, _AT_A_TIME)):
            self._unsubscribe(conversation_id)
        return bool(self._subscriptions)

    async def _subscribe(self, conversation_ids: list[ConversationId]) -> list[Subscription]:
        """Subscribe to those not followed yet."""
        fresh: list[Subscription] = []
        for subscription in await self._hub.attach(self._outlet, conversation_ids):
            conversation_id = subscription.conversation_id
            if self._ended or conversation_id in self._subscriptions:
                self._hub.detach(subscription)
                continue
            fresh.append(subscription)
            self._subscriptions[conversation_id] = subscription
            if not is_private(conversation_id):
                self._leases.take(room_connections(conversation_id), self._outlet.user_id)
        return fresh

    def _unsubscribe(self, conversation_id: ConversationId) -> None:
        self._hub.detach(self._subscriptions.pop(conversation_id))
        self._give_up(conversation_id)

    def _give_up(self, conversation_id: ConversationId) -> None:
        if not is_private(conversation_id):
            self._leases.give_up(room_connections(conversation_id), self._outlet.user_id)


async def _all(works: list[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; raise the first failure."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
