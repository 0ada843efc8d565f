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
from itertools import groupby
from operator import itemgetter
from typing import Self

import structlog
from redis.asyncio import Redis

from chatterroom.background import each_apart, isolated, keep_running, report
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import ConversationId, UserId, new_id
from chatterroom.pubsub.client_redis import redis_client
from chatterroom.storage.availability_redis import available

__all__ = ["Leases", "online", "room_connections"]

log = structlog.get_logger()

LEASE_S = 30.0
# A lease given up lasts this much longer, so that a reconnection does not show as an absence.
GRACE_S = 8.0
_RENEW_S = 10.0
_GATHER_S = 0.2
_CALL_S = 1.0
_BATCH = 500
# Of more than these connected to a room not all are read to find a few.
_MANY = 500

# Many leases in one command: one each costs us, and Redis, ten times as much. The arguments are
# the time, the life of a subject, and for every key the number of its leases and those, each as
# its end and its holder.
_WRITE = """
local now, lease_s, at = ARGV[1], ARGV[2], 3
for _, subject in ipairs(KEYS) do
    local last = at + 2 * tonumber(ARGV[at])
    redis.call('ZADD', subject, unpack(ARGV, at + 1, last))
    redis.call('ZREMRANGEBYSCORE', subject, 0, now)
    redis.call('EXPIRE', subject, lease_s)
    at = last + 1
end
"""

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
        self._script = client.register_script(_WRITE)
        self._instance = new_id()
        self._here: Counter[Lease] = Counter()
        self._changed: set[Lease] = set()
        self._any = asyncio.Event()
        self._renew_at = 0.0

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
                for members in await self._members(subjects[start : start + _BATCH], now):
                    held.append({UserId(member.partition("@")[0]) for member in members})
        except StorageUnavailableError as error:
            log.warning("leases_unavailable", reason=error.reason)
            return None
        return held

    async def connected(
        self, conversation_id: ConversationId, user_ids: Sequence[UserId]
    ) -> set[UserId]:
        """Return who of some members has a socket connected to a room; a hint, and nobody where
        Redis does not answer. In rooms where very many are connected, who is online at all."""
        room = room_connections(conversation_id)
        try:
            with available():
                async with asyncio.timeout(_CALL_S):
                    many = await self._client.zcard(room) > _MANY
        except StorageUnavailableError as error:
            log.warning("leases_unavailable", reason=error.reason)
            return set()
        held = await self.holders([online(user_id) for user_id in user_ids] if many else [room])
        return set().union(*held or []) & set(user_ids)

    async def run(self) -> None:
        """Write changes and renew leases until cancelled; then give all up."""
        self._renew_at = time.monotonic() + _RENEW_S
        try:
            await keep_running("leases", self._write_when_due)
        finally:
            self._changed.update(self._here)
            self._here.clear()
            with isolated("leases"):
                await self._write()

    async def _write_when_due(self) -> None:
        try:
            async with asyncio.timeout(max(0.0, self._renew_at - time.monotonic())):
                await self._any.wait()
            await asyncio.sleep(_GATHER_S)
        except TimeoutError:
            self._changed.update(self._here)
            self._renew_at = time.monotonic() + _RENEW_S * random.uniform(0.8, 1.0)
        await self._write()

    async def _members(self, subjects: Sequence[str], now: float) -> list[list[str]]:
        with available():
            async with asyncio.timeout(_CALL_S), self._client.pipeline(False) as pipeline:
                for subject in subjects:
                    pipeline.zrange(subject, now, "+inf", byscore=True)
                return await pipeline.execute()

    def _change(self, lease: Lease, by: int) -> None:
        self._here[lease] += by
        if self._here[lease] <= 0:
            del self._here[lease]
        self._changed.add(lease)
        self._any.set()

    async def _write(self) -> None:
        self._any.clear()
        changed, self._changed = sorted(self._changed, key=itemgetter(0)), set()
        # What an outage keeps from being written, the next renewal says again.
        for start in range(0, len(changed), _BATCH):
            for _, error in await each_apart(changed[start : start + _BATCH], self._write_some):
                report("leases", error)

    async def _write_some(self, leases: Sequence[Lease]) -> None:
        """Write leases, those of a subject side by side."""
        now = time.time()
        subjects: list[str] = []
        arguments: list[str | float] = [now, int(LEASE_S)]
        for subject, same in groupby(leases, itemgetter(0)):
            holders = [user_id for _, user_id in same]
            subjects.append(subject)
            arguments.append(len(holders))
            for user_id in holders:
                ends = now + (LEASE_S if (subject, user_id) in self._here else GRACE_S)
                arguments += (ends, f"{user_id}@{self._instance}")
        with available():
            async with asyncio.timeout(_CALL_S):
                await self._script(keys=subjects, args=arguments)
