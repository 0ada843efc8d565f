"""The rules of the registry: what an entry looks like, and whose turn it is. No I/O."""

import re
from collections.abc import Sequence

import msgspec

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["Entry", "Rotation", "parse_name", "parse_url"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,62}")
_URL = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})")


class Entry(msgspec.Struct, frozen=True, order=True):
    """One registered instance. `websocket_url` is empty where it has no sockets."""

    service_name: str
    service_url: str
    websocket_url: str = ""


def parse_name(text: str) -> str:
    """Accept 1 to 63 letters, digits, `.`, `_`, `-`, a letter first; else INVALID_REQUEST."""
    if _NAME.fullmatch(text):
        return text
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        "service_name must be 1 to 63 letters, digits, '.', '_' or '-', a letter first",
        field="service_name",
    )


def parse_url(text: str, name: str = "service_url") -> str:
    """Accept host:port, where host may be a name or an address, or raise INVALID_REQUEST."""
    match = _URL.fullmatch(text)
    if match and 1 <= int(match[1]) <= 65535:
        return text
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST, f"{name} must have the form host:port.", field=name
    )


class Rotation:
    """Round-robin over lists that change: after an entry comes the next one by address."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def next(self, service_name: str, entries: Sequence[Entry]) -> Entry:
        """Return the entry of `service_name` whose turn it is, or raise SERVICE_NOT_FOUND."""
        candidates = sorted(entry for entry in entries if entry.service_name == service_name)
        if not candidates:
            self._last.pop(service_name, None)
            raise ChatterRoomError(
                ErrorCode.SERVICE_NOT_FOUND,
                "No instance of this service is running.",
                service=service_name,
            )
        last = self._last.get(service_name, "")
        chosen = next((entry for entry in candidates if entry.service_url > last), candidates[0])
        self._last[service_name] = chosen.service_url
        return chosen
