"""How much one user may reach out to others, counted in Redis over all instances.

For what is rare and must hold however many instances there are: rooms created, people added, first
messages. What is frequent is counted by each instance for itself (see quotas.py). While Redis is
away, each instance counts alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import structlog
from redis.asyncio import Redis

from chatterroom.chat.settings import ChatSettings
from chatterroom.core.errors import ChatterRoomError, StorageUnavailableError
from chatterroom.core.ids import UserId
from chatterroom.core.rate_limits import Policy, RateLimiter
from chatterroom.pubsub.client_redis import redis_client
from chatterroom.storage.availability_redis import available

__all__ = ["Cost", "SharedQuotas"]

log = structlog.get_logger()

_HOUR_S = 3600.0
_CALL_S = 1.0

# As `RateLimiter` counts, for many keys at once, all or nothing, on the clock of Redis: a key holds
# when its bucket will be full again, in microseconds. The arguments are for each key the time that
# what is spent takes to refill, and that of a whole bucket. Returns which key holds too little, and
# for how long.
_SPEND = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full_at = {}
for i, key in ipairs(KEYS) do
    full_at[i] = math.max(tonumber(redis.call('GET', key) or 0), now) + ARGV[2 * i - 1]
    local wait = full_at[i] - now - ARGV[2 * i]
    if wait > 0 then return {i, math.ceil(wait)} end
end
for i, key in ipairs(KEYS) do
    local left_ms = math.ceil((full_at[i] - now) / 1000)
    redis.call('SET', key, string.format('%.0f', full_at[i]), 'PX', left_ms)
end
return {0, 0}
"""

_REFUND = """
for i, key in ipairs(KEYS) do
    if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, ARGV[i]) end
end
"""


@dataclass(frozen=True, slots=True)
class _Spending:
    """So many units of a policy for one user, or for one user towards another."""

    limiter: RateLimiter
    who: str
    units: int = 1

    @property
    def is_limited(self) -> bool:
        return self.limiter.policy.per_s > 0

    @property
    def key(self) -> str:
        return f"chatterroom:quota:{self.limiter.policy.name}:{self.who}"

    @property
    def takes_us(self) -> int:
        """How long what is spent takes to refill."""
        return round(self.units / self.limiter.policy.per_s * 1_000_000)

    @property
    def depth_us(self) -> int:
        """How long a whole bucket takes."""
        policy = self.limiter.policy
        return round(policy.burst / policy.per_s * 1_000_000)


Cost = Sequence[_Spending]


class SharedQuotas:
    """What things cost, and who has spent how much. A quota of 0 is off."""

    def __init__(self, settings: ChatSettings, client: Redis) -> None:
        def an_hour(name: str, most: int) -> RateLimiter:
            return RateLimiter(Policy(name, most / _HOUR_S, most))

        self._rooms = an_hour("rooms created", settings.user_rooms_per_hour)
        self._added = an_hour("people added to rooms", settings.user_added_per_hour)
        self._added_to = an_hour("being added to rooms", settings.user_added_to_per_hour)
        self._added_by_one = an_hour(
            "adding the same person to rooms", settings.user_added_by_one_per_hour
        )
        self._firsts = an_hour("first messages", settings.user_first_messages_per_hour)
        self._client = client
        self._spend_script = client.register_script(_SPEND)
        self._refund_script = client.register_script(_REFUND)

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: ChatSettings, setting: str) -> AsyncIterator[Self]:
        """Give the quotas kept in the Redis database that `setting` names."""
        client = redis_client(
            settings.redis_url, setting, socket_connect_timeout=_CALL_S, socket_timeout=_CALL_S
        )
        try:
            yield cls(settings, client)
        finally:
            await client.aclose()

    def room(self, creator_id: UserId, members: Collection[UserId]) -> Cost:
        """Return the cost of a new room and of those whom it brings together."""
        return [_Spending(self._rooms, creator_id), *self.added(creator_id, members)]

    def added(self, adder_id: UserId, user_ids: Collection[UserId]) -> Cost:
        """Return the cost of adding people to a room: to the adder, and to each of them."""
        if not user_ids:
            return []
        # By one adder, too: else that one could use up what others may add a person.
        by_one = [_Spending(self._added_by_one, f"{adder_id}:{user_id}") for user_id in user_ids]
        targets = [_Spending(self._added_to, user_id) for user_id in user_ids]
        return [_Spending(self._added, adder_id, len(user_ids)), *by_one, *targets]

    def first_message(self, sender_id: UserId) -> Cost:
        """Return the cost of writing to somebody with whom there is no private chat yet."""
        return [_Spending(self._firsts, sender_id)]

    async def spend(self, cost: Cost) -> None:
        """Take all of a cost; or take nothing, and raise RATE_LIMITED with a `policy`."""
        spendings = [each for each in cost if each.is_limited]
        if not spendings:
            return
        try:
            with available():
                async with asyncio.timeout(_CALL_S):
                    failed, wait_us = await self._spend_script(
                        keys=[each.key for each in spendings],
                        args=[
                            part for each in spendings for part in (each.takes_us, each.depth_us)
                        ],
                    )
        except StorageUnavailableError as error:
            log.warning("quotas_counted_alone", reason=error.reason)
            _spend_here(spendings)
            return
        if failed:
            raise spendings[failed - 1].limiter.policy.exceeded(wait_us / 1_000_000)

    async def refund(self, cost: Cost) -> None:
        """Give back what was taken for something that did not happen."""
        spendings = [each for each in cost if each.is_limited]
        if not spendings:
            return
        try:
            with available():
                async with asyncio.timeout(_CALL_S):
                    await self._refund_script(
                        keys=[each.key for each in spendings],
                        args=[each.takes_us for each in spendings],
                    )
        except StorageUnavailableError as error:
            log.warning("quotas_counted_alone", reason=error.reason)


def _spend_here(spendings: Sequence[_Spending]) -> None:
    now = time.monotonic()
    for index, each in enumerate(spendings):
        try:
            each.limiter.spend(each.who, now, cost=each.units)
        except ChatterRoomError:
            for spent in spendings[:index]:
                spent.limiter.refund(spent.who, spent.units)
            raise
