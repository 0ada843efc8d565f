"""Who is connected, in Redis: leases that end by themselves.

One sorted set a subject, of `holder@instance` by the time the lease ends. A hint: Redis may
forget it at any time, and instances say it again.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.ids import ConversationId, UserId, new_id
from chatterroom.pubsub.client_redis import redis_client

__all__ = ["Leases", "online", "room_connections"]

log = structlog.get_logger()

LEASE_S = 30.0
# A lease given up lasts this much longer, so that a reconnection does not show as an absence.
GRACE_S = 8.0
_RENEW_S = 10.0
_GATHER_S = 0.2
_CALL_S = 1.0
_BATCH = 500

_FAILURES = (RedisError, OSError, TimeoutError)

Lease = tuple[str, UserId]


def room_connections(conversation_id: ConversationId) -> str:
    """Name the leases of those with a socket in a room."""
    return f"chatterroom:room:{conversation_id}:connected"


def online(user_id: UserId) -> str:
    """Name the leases of a user with any socket."""
    return f"chatterroom:user:{user_id}:online"


class Leases:
    """Takes, renews and gives up leases for this instance; sees those of all."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._instance = new_id()
        self._here: Counter[Lease] = Counter()
        self._changed: set[Lease] = set()
        self._any = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, setting: str) -> AsyncIterator[Self]:
        """Give the leases kept in the Redis database of `url`, which `setting` names."""
        client = redis_client(
            url,
            setting,
            socket_connect_timeout=_CALL_S,
            socket_timeout=_CALL_S,
            decode_responses=True,
        )
        try:
            yield cls(client)
        finally:
            await client.aclose()

    def take(self, subject: str, user_id: UserId) -> None:
        """Note one more reason to hold a lease."""
        self._change((subject, user_id), 1)

    def give_up(self, subject: str, user_id: UserId) -> None:
        """Note one reason fewer; without any left the lease ends after its grace."""
        self._change((subject, user_id), -1)

    async def holders(self, subjects: Sequence[str]) -> list[set[UserId]] | None:
        """Return the holders of each subject, or None where Redis does not answer."""
        held: list[set[UserId]] = []
        now = time.time()
        try:
            for start in range(0, len(subjects), _BATCH):
                async with asyncio.timeout(_CALL_S), self._client.pipeline(False) as pipeline:
                    for subject in subjects[start : start + _BATCH]:
                        pipeline.zrange(subject, now, "+inf", byscore=True)
                    for members in await pipeline.execute():
                        held.append({UserId(member.partition("@")[0]) for member in members})
        except _FAILURES as error:
            log.warning("leases_unavailable", reason=type(error).__name__)
            return None
        return held

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

    def _change(self, lease: Lease, by: int) -> None:
        self._here[lease] += by
        if self._here[lease] <= 0:
            del self._here[lease]
        self._changed.add(lease)
        self._any.set()

    async def _write(self) -> None:
        self._any.clear()
        changed, self._changed = list(self._changed), set()
        now = time.time()
        try:
            for start in range(0, len(changed), _BATCH):
                async with asyncio.timeout(_CALL_S), self._client.pipeline(False) as pipeline:
                    for lease in changed[start : start + _BATCH]:
                        subject, user_id = lease
                        ends = now + (LEASE_S if lease in self._here else GRACE_S)
                        pipeline.zadd(subject, {f"{user_id}@{self._instance}": ends})
                        pipeline.zremrangebyscore(subject, 0, now)
                        pipeline.expire(subject, int(LEASE_S))
                    await pipeline.execute()
        except _FAILURES as error:
            # The next renewal says all of it again.
            log.warning("leases_delayed", reason=type(error).__name__)
