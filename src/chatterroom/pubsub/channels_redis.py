"""Hints between instances over Redis pub/sub.

Redis away, slow or emptied only delays or loses hints: publishing never waits, and after every
reconnection the listener is told that some may have been lost.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chatterroom.background import keep_running, report
from chatterroom.core.cancellation import raise_if_cancelled, until_one_fails
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.pubsub.client_redis import redis_client
from chatterroom.storage.availability_redis import available

__all__ = ["RedisChannels"]

MAX_QUEUED = 10_000
MAX_QUEUED_BYTES = 16 * 1024 * 1024
_BATCH = 200
_BATCH_BYTES = 1024 * 1024
_GATHER_S = 0.001
_CALL_S = 2.0
_CONFIRMATION_S = 1.0
_SILENCE_S = 5.0


class RedisChannels:
    """Publishes and listens, reconnecting for as long as it runs.

    In order within a connection, mostly once; a message may be lost, or come twice. What does not
    fit the queue, in number or in bytes, is dropped, oldest first.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._queue: deque[tuple[str, bytes]] = deque()
        self._queued_bytes = 0
        self._queued = asyncio.Event()
        self._wanted: Counter[str] = Counter()
        # Which to look at, so that one more socket costs the same however many there are.
        self._changed: set[str] = set()
        self._wishes_changed = asyncio.Event()
        self._confirmed: set[str] = set()
        self._waiting: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, setting: str) -> AsyncIterator[Self]:
        """Give channels that connect when they run; `setting` names where `url` is from."""
        # The loops below retry; a silent reconnection would hide that hints were lost.
        retry = Retry(NoBackoff(), 0)
        client = redis_client(url, setting, socket_connect_timeout=_CALL_S, retry=retry)
        try:
            yield cls(client)
        finally:
            await client.aclose()

    def publish(self, channel: str, payload: bytes) -> None:
        """Queue a message, in order."""
        self._queue.append((channel, payload))
        self._queued_bytes += len(payload)
        while len(self._queue) > MAX_QUEUED or self._queued_bytes > MAX_QUEUED_BYTES:
            self._take()
        self._queued.set()

    def subscribe(self, channels: Sequence[str]) -> None:
        """Ask for channels. Every call needs an `unsubscribe` of its own."""
        self._wanted.update(channels)
        self._changed.update(channels)
        self._wishes_changed.set()

    async def confirmed(self, channels: Sequence[str]) -> None:
        """Wait until Redis has confirmed what was asked for, at most a second."""
        loop = asyncio.get_running_loop()
        confirmations: list[asyncio.Future[None]] = []
        for channel in channels:
            if channel not in self._confirmed:
                confirmation = loop.create_future()
                self._waiting[channel].append(confirmation)
                confirmations.append(confirmation)
        if confirmations:
            await asyncio.wait(confirmations, timeout=_CONFIRMATION_S)

    def unsubscribe(self, channels: Sequence[str]) -> None:
        """Give channels up; messages already under way may still be heard."""
        for channel in channels:
            self._wanted[channel] -= 1
            if self._wanted[channel] <= 0:
                del self._wanted[channel]
                self._waiting.pop(channel, None)
        self._changed.update(channels)
        self._wishes_changed.set()

    async def run(
        self, heard: Callable[[str, bytes], None], missed_some: Callable[[], None]
    ) -> None:
        """Publish and listen until cancelled.

        `heard` gets channel and payload of each message, `missed_some` is called whenever
        messages may have been lost.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_running("publishing", self._publish))
            listen = partial(self._listen, heard, missed_some)
            tasks.create_task(keep_running("listening", listen))

    async def _publish(self) -> None:
        while True:
            raise_if_cancelled()
            await self._queued.wait()
            # Whoever publishes has something to do that is more urgent, and more to publish.
            await asyncio.sleep(_GATHER_S)
            self._queued.clear()
            while self._queue:
                batch = self._next_batch()
                try:
                    await self._send(batch)
                except StorageUnavailableError:
                    # Most likely a connection that ended while nothing was sent.
                    await self._send(batch)

    def _next_batch(self) -> list[tuple[str, bytes]]:
        batch: list[tuple[str, bytes]] = []
        size = 0
        while self._queue and len(batch) < _BATCH and size < _BATCH_BYTES:
            batch.append(self._take())
            size += len(batch[-1][1])
        return batch

    def _take(self) -> tuple[str, bytes]:
        oldest = self._queue.popleft()
        self._queued_bytes -= len(oldest[1])
        return oldest

    async def _send(self, batch: list[tuple[str, bytes]]) -> None:
        with available():
            async with asyncio.timeout(_CALL_S), self._client.pipeline(False) as pipeline:
                for channel, payload in batch:
                    pipeline.publish(channel, payload)
                await pipeline.execute()

    async def _listen(
        self, heard: Callable[[str, bytes], None], missed_some: Callable[[], None]
    ) -> None:
        # Not redis-py's PubSub: what it is asked while the connection breaks opens another one,
        # and reads from it what the task that listens is already waiting for.
        pool = self._client.connection_pool
        with available():
            async with asyncio.timeout(_CALL_S):
                connection = await pool.get_connection()  # type: ignore[no-untyped-call]
            try:
                self._wishes_changed.set()
                missed_some()
                await until_one_fails(
                    self._follow_wishes(connection), self._read(connection, heard, missed_some)
                )
            finally:
                self._confirmed.clear()
                await connection.disconnect(nowait=True)
                await pool.release(connection)

    async def _follow_wishes(self, connection: Connection) -> None:
        asked: set[str] = set()
        self._changed = set(self._wanted)
        while True:
            raise_if_cancelled()
            await self._wishes_changed.wait()
            self._wishes_changed.clear()
            changed, self._changed = self._changed, set()
            fresh = [name for name in changed if name in self._wanted and name not in asked]
            gone = [name for name in changed if name not in self._wanted and name in asked]
            asked.update(fresh)
            asked.difference_update(gone)
            self._confirmed.difference_update(gone)
            for command, names in (("UNSUBSCRIBE", gone), ("SUBSCRIBE", fresh)):
                for start in range(0, len(names), _BATCH):
                    async with asyncio.timeout(_CALL_S):
                        await connection.send_command(command, *names[start : start + _BATCH])

    async def _read(
        self,
        connection: Connection,
        heard: Callable[[str, bytes], None],
        missed_some: Callable[[], None],
    ) -> None:
        pinged = False
        while True:
            raise_if_cancelled()
            message = await connection.read_response(
                timeout=_SILENCE_S, disconnect_on_error=False, push_request=True
            )
            if message is None:
                if pinged:
                    raise TimeoutError
                pinged = True
                await connection.send_command("PING")
                continue
            pinged = False
            kind = message[0]
            if kind == b"message":
                try:
                    heard(message[1].decode(), message[2])
                except Exception as error:  # noqa: BLE001 -- reported; the next one is heard
                    report("hint", error)
                    missed_some()
            elif kind == b"subscribe":
                self._confirm(message[1].decode())

    def _confirm(self, channel: str) -> None:
        self._confirmed.add(channel)
        for confirmation in self._waiting.pop(channel, ()):
            if not confirmation.done():
                confirmation.set_result(None)
