"""What events of sockets say of messages that were changed, in the terms of the records."""

from collections.abc import Mapping
from typing import Any

from chatterroom.core.ids import MessageId, place_of

__all__ = ["change_of"]


def change_of(event: Mapping[str, Any], kind: object) -> dict[str, Any]:
    """Return `kind`, `target` and `text` of a change; nothing for other events, and for pins."""
    about = event.get("message_id")
    if about is None:
        return {}
    text = event.get("emoji") or event.get("message") or ""
    return {"kind": kind, "target": place_of(MessageId(about))[1], "text": text}
