"""Who hears what: events about a user's account, and that user's connected devices.

No sockets, no Redis: devices and the channel to other instances are interfaces here.
"""

import asyncio
from typing import Protocol

import msgspec

from chatterroom.core.ids import SessionId, UserId
from chatterroom.sockets.frames import CloseCode

__all__ = ["Alert", "AlertChannel", "Alerts", "Device", "Event", "LoggedIn", "LoginFailed"]


class LoggedIn(msgspec.Struct, frozen=True, tag_field="type", tag="login"):
    """Somebody logged in to the account; heard by its other devices."""

    alert_id: str
    device: str
    address: str
    at: str
    session_id: SessionId


class LoginFailed(msgspec.Struct, frozen=True, tag_field="type", tag="login_failed"):
    """Somebody gave a wrong password for the account; heard by all of its devices."""

    alert_id: str
    device: str
    address: str
    at: str


class SessionEnded(msgspec.Struct, frozen=True, tag_field="type", tag="session_ended"):
    """A session is over: its devices are disconnected and the others hear nothing."""

    session_id: SessionId


Alert = LoggedIn | LoginFailed
Event = LoggedIn | LoginFailed | SessionEnded


class Device(Protocol):
    """One connected device of a user."""

    session_id: SessionId

    def hear(self, alert: Alert) -> None:
        """Show an alert."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Disconnect."""


class AlertChannel(Protocol):
    """Carries events to the other instances. Nothing here waits or fails; events may be lost."""

    def follow(self, user_id: UserId) -> None:
        """Begin to receive the events of a user."""

    def unfollow(self, user_id: UserId) -> None:
        """Stop receiving the events of a user."""

    def publish(self, user_id: UserId, event: Event) -> None:
        """Send an event to the instances that follow the user, other than this one."""


class Alerts:
    """The devices connected to this instance, by user."""

    def __init__(self, channel: AlertChannel) -> None:
        self._channel = channel
        self._devices: dict[UserId, list[Device]] = {}
        self._emptied = asyncio.Event()

    def connect(self, user_id: UserId, device: Device) -> None:
        """Let a device hear what concerns its user from now on."""
        devices = self._devices.setdefault(user_id, [])
        devices.append(device)
        self._emptied.clear()
        if len(devices) == 1:
            self._channel.follow(user_id)

    def disconnect(self, user_id: UserId, device: Device) -> None:
        """Forget a device that was connected."""
        devices = self._devices[user_id]
        devices.remove(device)
        if not devices:
            del self._devices[user_id]
            self._channel.unfollow(user_id)
        if not self._devices:
            self._emptied.set()

    def tell(self, user_id: UserId, event: Event) -> None:
        """Bring an event to the user's devices, on every instance."""
        self.hear(user_id, event)
        self._channel.publish(user_id, event)

    def hear(self, user_id: UserId, event: Event) -> None:
        """Bring an event to the user's devices on this instance."""
        for device in tuple(self._devices.get(user_id, ())):
            if isinstance(event, SessionEnded):
                if device.session_id == event.session_id:
                    device.close(CloseCode.TOKEN_EXPIRED, "the session has ended")
            elif isinstance(event, LoginFailed) or device.session_id != event.session_id:
                device.hear(event)

    async def close(self, deadline_s: float) -> None:
        """Disconnect all devices with SERVICE_RESTART; wait for them, at most `deadline_s`."""
        for devices in tuple(self._devices.values()):
            for device in tuple(devices):
                device.close(CloseCode.SERVICE_RESTART, "connect again")
        if self._devices:
            try:
                async with asyncio.timeout(deadline_s):
                    await self._emptied.wait()
            except TimeoutError:
                return
