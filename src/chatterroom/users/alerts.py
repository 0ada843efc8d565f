"""Who hears what: alerts about a user's account, and that user's connected devices.

No sockets, no Redis: devices and the channel to other instances are interfaces here.
"""

import asyncio
from typing import Literal, Protocol

import msgspec

from chatterroom.background import isolated
from chatterroom.core.ids import SessionId, UserId
from chatterroom.sockets.frames import CloseCode

__all__ = [
    "Alert",
    "AlertChannel",
    "Alerts",
    "Device",
    "EndReason",
    "KeptAlert",
    "LoggedIn",
    "LoginFailed",
    "PasswordChanged",
    "ProfileChanged",
    "SecondFactorChanged",
    "SessionEnded",
    "caused_by",
]


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


class PasswordChanged(msgspec.Struct, frozen=True, tag_field="type", tag="password_changed"):
    """The password was changed; heard by the devices of other sessions than `session_id`."""

    alert_id: str
    device: str
    address: str
    at: str
    session_id: SessionId


class SecondFactorChanged(
    msgspec.Struct, frozen=True, tag_field="type", tag="second_factor_changed"
):
    """The second factor was turned on or off, in `session_id`; heard by the other devices."""

    alert_id: str
    device: str
    address: str
    at: str
    session_id: SessionId
    enabled: bool


EndReason = Literal["ended_by_user", "refresh_token_reused"]


class SessionEnded(msgspec.Struct, frozen=True, tag_field="type", tag="session_ended"):
    """A session, begun at `device` and `address`, was ended; heard by the other devices."""

    alert_id: str
    device: str
    address: str
    at: str
    session_id: SessionId
    reason: EndReason
    by_session_id: SessionId | None
    """The session that has ended it, whose devices know."""


class ProfileChanged(msgspec.Struct, frozen=True, tag_field="type", tag="profile_changed"):
    """What is shown of the user has changed; not kept."""


KeptAlert = LoggedIn | LoginFailed | PasswordChanged | SecondFactorChanged | SessionEnded
Alert = (
    LoggedIn | LoginFailed | PasswordChanged | SecondFactorChanged | SessionEnded | ProfileChanged
)


def caused_by(alert: Alert) -> SessionId | None:
    """Return the session that knows of an alert because it was its own doing."""
    match alert:
        case LoggedIn() | PasswordChanged() | SecondFactorChanged():
            return alert.session_id
        case SessionEnded():
            return alert.by_session_id
        case LoginFailed() | ProfileChanged():
            return None


class Device(Protocol):
    """One connected device of a user."""

    session_id: SessionId

    def hear(self, alert: Alert) -> None:
        """Show an alert."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Disconnect."""


class AlertChannel(Protocol):
    """Carries alerts to the other instances. Nothing here waits or fails; alerts may be lost."""

    def follow(self, user_id: UserId) -> None:
        """Begin to receive the alerts of a user."""

    def unfollow(self, user_id: UserId) -> None:
        """Stop receiving the alerts of a user."""

    def publish(self, user_id: UserId, alert: Alert) -> None:
        """Send an alert to the instances that follow the user, other than this one."""


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

    def tell(self, user_id: UserId, alert: Alert) -> None:
        """Bring an alert to the user's connected devices, on every instance."""
        self.hear(user_id, alert)
        self._channel.publish(user_id, alert)

    def hear(self, user_id: UserId, alert: Alert) -> None:
        """Bring an alert to the user's devices on this instance."""
        for device in tuple(self._devices.get(user_id, ())):
            with isolated("alerts"):
                if device.session_id != caused_by(alert):
                    device.hear(alert)

    def end(self, user_id: UserId, session_id: SessionId) -> None:
        """Disconnect the devices of a session on this instance."""
        for device in tuple(self._devices.get(user_id, ())):
            with isolated("alerts"):
                if device.session_id == session_id:
                    device.close(CloseCode.TOKEN_EXPIRED, "The session has ended.")

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
