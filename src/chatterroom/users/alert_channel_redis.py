"""Alerts between instances: one channel for each user with a device here."""

import secrets
from collections.abc import Callable

import msgspec
import structlog

from chatterroom.core.ids import UserId
from chatterroom.pubsub.channels_redis import RedisChannels
from chatterroom.users.alerts import Alert

__all__ = ["RedisAlertChannel"]

log = structlog.get_logger()

_PREFIX = "chatterroom:users:alerts:"

Hear = Callable[[UserId, Alert], None]


class _Published(msgspec.Struct):
    origin: str
    event: Alert


class RedisAlertChannel:
    """An `AlertChannel` that works while `run` does.

    While Redis is away alerts are lost for the devices of other instances.
    """

    def __init__(self, channels: RedisChannels) -> None:
        self._channels = channels
        self._origin = secrets.token_hex(8)

    def follow(self, user_id: UserId) -> None:
        """Begin to receive the alerts of a user, a moment from now."""
        self._channels.subscribe([_PREFIX + user_id])

    def unfollow(self, user_id: UserId) -> None:
        """Stop receiving the alerts of a user."""
        self._channels.unsubscribe([_PREFIX + user_id])

    def publish(self, user_id: UserId, alert: Alert) -> None:
        """Send an alert to the other instances that follow the user."""
        payload = msgspec.json.encode(_Published(self._origin, alert))
        self._channels.publish(_PREFIX + user_id, payload)

    async def run(self, hear: Hear) -> None:
        """Send what is published, and pass what comes to `hear`, until cancelled."""

        def heard(channel: str, payload: bytes) -> None:
            try:
                published = msgspec.json.decode(payload, type=_Published)
            except msgspec.DecodeError:
                # An instance of another version: what it means is not for us.
                log.warning("alert_not_understood")
                return
            if published.origin != self._origin:
                hear(UserId(channel.removeprefix(_PREFIX)), published.event)

        await self._channels.run(heard, lambda: None)
