"""The registry in Redis: a lease for every instance, ended by Redis' own clock."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Self

import msgspec
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.discovery.registry import Entry
from chatterroom.pubsub.client_redis import redis_client
from chatterroom.storage.availability_redis import available

__all__ = ["RegistryStore"]

_DEADLINE_S = 1.0

# One hash tag, so that a Redis Cluster keeps all of it on one node.
_LEASES = "{chatterroom:discovery}:leases"
_ENTRIES = "{chatterroom:discovery}:entries"
_CHANGES = "{chatterroom:discovery}:changes"

# Every script keeps both keys in step: a url has an entry exactly while it has a lease.
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
_REGISTER = (
    _NOW
    + """
local url, entry, lease_ms, changes = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local ends = redis.call('ZSCORE', KEYS[1], url)
local known = ends and tonumber(ends) > now and redis.call('HGET', KEYS[2], url) == entry
redis.call('ZADD', KEYS[1], now + lease_ms, url)
redis.call('HSET', KEYS[2], url, entry)
if not known then redis.call('PUBLISH', changes, url) end
return 1
"""
)
_RENEW = (
    _NOW
    + """
local url, lease_ms = ARGV[1], tonumber(ARGV[2])
local ends = redis.call('ZSCORE', KEYS[1], url)
if not ends or tonumber(ends) <= now then return 0 end
redis.call('ZADD', KEYS[1], now + lease_ms, url)
return 1
"""
)
_REMOVE = """
local url, changes = ARGV[1], ARGV[2]
local removed = redis.call('ZREM', KEYS[1], url)
redis.call('HDEL', KEYS[2], url)
if removed == 1 then redis.call('PUBLISH', changes, url) end
return removed
"""
_LIVE = (
    _NOW
    + """
for _, url in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], url)
  redis.call('HDEL', KEYS[2], url)
  redis.call('PUBLISH', ARGV[1], url)
end
return redis.call('HVALS', KEYS[2])
"""
)


class RegistryStore:
    """What several discovery instances share.

    Every method raises STORAGE_UNAVAILABLE, at the latest after a second, while Redis is away.
    """

    def __init__(self, redis_url: str, lease_s: float) -> None:
        self._lease_ms = int(lease_s * 1000)
        self._redis = redis_client(
            redis_url,
            "CHATTERROOM_DISCOVERY_REDIS_URL",
            socket_timeout=_DEADLINE_S,
            socket_connect_timeout=_DEADLINE_S,
            # The first call after Redis has been away meets a dead connection.
            retry=Retry(NoBackoff(), 1),
        )
        self._register = self._redis.register_script(_REGISTER)
        self._renew = self._redis.register_script(_RENEW)
        self._remove = self._redis.register_script(_REMOVE)
        self._live = self._redis.register_script(_LIVE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def register(self, entry: Entry) -> None:
        """List an instance for the length of a lease, in place of what had its service_url."""
        payload = msgspec.json.encode(entry)
        await self._run(self._register, entry.service_url, payload, self._lease_ms, _CHANGES)

    async def renew(self, service_url: str) -> bool:
        """Begin a new lease; False where none is running."""
        return bool(await self._run(self._renew, service_url, self._lease_ms))

    async def remove(self, service_url: str) -> bool:
        """Take an instance off the list; False where it was not on it."""
        return bool(await self._run(self._remove, service_url, _CHANGES))

    async def live(self) -> list[Entry]:
        """Return all instances whose lease is running, ordered by name and address."""
        payloads: Sequence[bytes] = await self._run(self._live, _CHANGES)
        return sorted(msgspec.json.decode(payload, type=Entry) for payload in payloads)

    async def watch(self, poll_s: float) -> AsyncGenerator[list[Entry]]:
        """Yield the list at once, soon after each change, and at least every `poll_s`."""
        pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            with available():
                async with asyncio.timeout(_DEADLINE_S):
                    await pubsub.subscribe(_CHANGES)
            while True:
                raise_if_cancelled()
                yield await self.live()
                with available():
                    await pubsub.get_message(timeout=poll_s)
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _run(self, script: Any, *arguments: str | bytes | int) -> Any:
        with available():
            async with asyncio.timeout(_DEADLINE_S):
                return await script(keys=[_LEASES, _ENTRIES], args=arguments)
