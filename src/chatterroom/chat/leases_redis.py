"""Who is connected to which room right now, in Redis: leases that end by themselves.

One sorted set a room, of `user@instance` by the time the lease ends. A hint: Redis may forget it
at any time, and instances say it again.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.ids import ConversationId, UserId, is_private, new_id

__all__ = ["LiveRooms"]

log = structlog.get_logger()

LEASE_S = 30.0
_RENEW_S = 10.0
_GATHER_S = 0.2
_CALL_S = 1.0
_BATCH = 500

_FAILURES = (RedisError, OSError, TimeoutError)

Presence = tuple[ConversationId, UserId]


class LiveRooms:
    """Says which of a room's members have a socket on any instance."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._instance = new_id()
        self._here: Counter[Presence] = Counter()
        self._changed: set[Presence] = set()
        self._any = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str) -> AsyncIterator[Self]:
        """Give the live rooms kept in the Redis database of `url`."""
        client = Redis.from_url(
            url, socket_connect_timeout=_CALL_S, socket_timeout=_CALL_S, decode_responses=True
        )
        try:
            yield cls(client)
        finally:
            await client.aclose()

    def entered(self, conversation_id: ConversationId, user_id: UserId) -> None:
        """Note that one more socket of a user follows a room."""
        self._change((conversation_id, user_id), 1)

    def left(self, conversation_id: ConversationId, user_id: UserId) -> None:
        """Note that one socket fewer of a user follows a room."""
        self._change((conversation_id, user_id), -1)

    async def connected(self, conversation_id: ConversationId) -> set[UserId]:
        """Return the users connected to a room; nobody where Redis does not answer."""
        try:
            async with asyncio.timeout(_CALL_S):
                members = await self._client.zrange(
                    _key(conversation_id), time.time(), "+inf", byscore=True
                )
        except _FAILURES as error:
            log.warning("live_rooms_unavailable", reason=type(error).__name__)
            return set()
        return {UserId(str(member).partition("@")[0]) for member in members}

    async def run(self) -> None:
        """Write changes and renew leases until cancelled; then give all up."""
        renew_at = time.monotonic() + _RENEW_S
        try:
            while True:
                raise_if_cancelled()
                try:
                    async with asyncio.timeout(max(0.0, renew_at - time.monotonic())):
                        await self._any.wait()
                    await asyncio.sleep(_GATHER_S)
                except TimeoutError:
                    self._changed.update(self._here)
                    renew_at = time.monotonic() + _RENEW_S * random.uniform(0.8, 1.0)
                await self._write()
        finally:
            self._changed.update(self._here)
            self._here.clear()
            await self._write()

    def _change(self, presence: Presence, by: int) -> None:
        if is_private(presence[0]):
            return
        self._here[presence] += by
        if self._here[presence] <= 0:
            del self._here[presence]
        self._changed.add(presence)
        self._any.set()

    async def _write(self) -> None:
        self._any.clear()
        changed, self._changed = list(self._changed), set()
        ends = time.time() + LEASE_S
        try:
            for start in range(0, len(changed), _BATCH):
                async with asyncio.timeout(_CALL_S), self._client.pipeline(False) as pipeline:
                    for presence in changed[start : start + _BATCH]:
                        key, member = _key(presence[0]), f"{presence[1]}@{self._instance}"
                        if presence in self._here:
                            pipeline.zadd(key, {member: ends})
                            pipeline.expire(key, int(LEASE_S))
                        else:
                            pipeline.zrem(key, member)
                    await pipeline.execute()
        except _FAILURES as error:
            # The next renewal says all of it again.
            log.warning("live_rooms_delayed", reason=type(error).__name__)


def _key(conversation_id: ConversationId) -> str:
    return f"chatterroom:room:{conversation_id}:connected"
