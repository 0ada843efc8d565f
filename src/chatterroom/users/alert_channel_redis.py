"""Events between instances: Redis pub/sub, one channel for each user with a device here."""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterable

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from chatterroom.core.cancellation import raise_if_cancelled, until_one_fails
from chatterroom.core.ids import UserId
from chatterroom.core.settings import SettingsError
from chatterroom.users.alerts import Event

__all__ = ["RedisAlertChannel"]

log = structlog.get_logger()

_PREFIX = "chatterroom:users:alerts:"
# A subscription that is always there: a connection without any cannot be read.
_ALWAYS = _PREFIX + "all"
_CALL_S = 1.0
_RETRY_S = (0.2, 1.0)
_SILENCE_S = 5.0
_OUTBOX_EVENTS = 1024
_CHANNELS_AT_ONCE = 500

Hear = Callable[[UserId, Event], None]


class _Published(msgspec.Struct):
    origin: str
    event: Event


class RedisAlertChannel:
    """An `AlertChannel` that works while `run` does.

    While Redis is away, or when more than 1024 events wait to be sent, events are lost for the
    devices of other instances; publishing never waits and never fails.
    """

    def __init__(self, redis_url: str) -> None:
        try:
            self._redis = Redis.from_url(
                redis_url,
                socket_timeout=_CALL_S,
                socket_connect_timeout=_CALL_S,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError:
            raise SettingsError("the Redis URL of the user service is not valid") from None
        self._origin = secrets.token_hex(8)
        self._outbox: asyncio.Queue[tuple[UserId, Event]] = asyncio.Queue(_OUTBOX_EVENTS)
        self._followed: set[UserId] = set()
        self._changed: set[UserId] = set()
        self._has_changed = asyncio.Event()

    def follow(self, user_id: UserId) -> None:
        """Begin to receive the events of a user, a moment from now."""
        self._followed.add(user_id)
        self._note_change(user_id)

    def unfollow(self, user_id: UserId) -> None:
        """Stop receiving the events of a user."""
        self._followed.discard(user_id)
        self._note_change(user_id)

    def publish(self, user_id: UserId, event: Event) -> None:
        """Send an event to the other instances that follow the user."""
        try:
            self._outbox.put_nowait((user_id, event))
        except asyncio.QueueFull:
            log.warning("alert_dropped", user_id=user_id)

    async def run(self, hear: Hear) -> None:
        """Send what is published, and pass what comes to `hear`, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send())
                tasks.create_task(self._receive(hear))
        finally:
            await self._redis.aclose()

    async def _send(self) -> None:
        while True:
            raise_if_cancelled()
            user_id, event = await self._outbox.get()
            payload = msgspec.json.encode(_Published(self._origin, event))
            try:
                async with asyncio.timeout(_CALL_S):
                    await self._redis.publish(_PREFIX + user_id, payload)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("alert_not_published", user_id=user_id, reason=type(error).__name__)

    async def _receive(self, hear: Hear) -> None:
        while True:
            raise_if_cancelled()
            pubsub = self._redis.pubsub()
            try:
                async with asyncio.timeout(_CALL_S):
                    await pubsub.subscribe(_ALWAYS)
                # All of them again: this connection knows of none.
                self._changed |= self._followed
                self._has_changed.set()
                await until_one_fails(self._listen(pubsub, hear), self._subscribe(pubsub))
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("alert_channel_lost", reason=type(error).__name__)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(random.uniform(*_RETRY_S))

    async def _listen(self, pubsub: PubSub, hear: Hear) -> None:
        asked = False
        while True:
            raise_if_cancelled()
            message = await pubsub.get_message(timeout=_SILENCE_S)
            if message is not None:
                asked = False
                if message["type"] == "message":
                    self._pass_on(message["channel"], message["data"], hear)
            elif asked:
                raise RedisConnectionError("no answer to a ping")
            else:
                await pubsub.ping()
                asked = True

    async def _subscribe(self, pubsub: PubSub) -> None:
        while True:
            raise_if_cancelled()
            await self._has_changed.wait()
            self._has_changed.clear()
            changed, self._changed = self._changed, set()
            for channels in _in_parts(changed & self._followed):
                await pubsub.subscribe(*channels)
            for channels in _in_parts(changed - self._followed):
                await pubsub.unsubscribe(*channels)

    def _pass_on(self, channel: bytes, payload: bytes, hear: Hear) -> None:
        try:
            published = msgspec.json.decode(payload, type=_Published)
        except msgspec.DecodeError:
            # An instance of another version: what it means is not for us.
            log.warning("alert_not_understood")
            return
        if published.origin != self._origin:
            hear(UserId(channel.decode().removeprefix(_PREFIX)), published.event)

    def _note_change(self, user_id: UserId) -> None:
        self._changed.add(user_id)
        self._has_changed.set()


def _in_parts(users: Iterable[UserId]) -> Iterable[list[str]]:
    channels = [_PREFIX + user_id for user_id in users]
    for start in range(0, len(channels), _CHANNELS_AT_ONCE):
        yield channels[start : start + _CHANNELS_AT_ONCE]
