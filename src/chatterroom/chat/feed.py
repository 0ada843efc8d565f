"""One conversation's entries on their way to the sockets of this instance, strictly in order.

Pure: entries go in as they come, doubled, early or late; runs without holes come out.
"""

from collections.abc import Iterable

import msgspec

from chatterroom.chat.conversation import (
    Entry,
    MemberAdded,
    MemberLeft,
    MessagePosted,
    RoomCreated,
)
from chatterroom.chat.events import encode_event
from chatterroom.core.ids import UserId
from chatterroom.sockets.frames import text_frame

__all__ = ["Published", "Release", "publish"]

# Beyond this what comes early is dropped: it will be read from the store with what is missing.
MAX_HELD = 1_000


class Published(msgspec.Struct, frozen=True, array_like=True):
    """An entry ready to send: a complete WebSocket frame, and whose membership it changes."""

    seq: int
    frame: bytes
    added: list[UserId]
    left: UserId | None = None


def publish(entry: Entry) -> Published:
    """Encode an entry, once for all its receivers."""
    frame = text_frame(encode_event(entry))
    match entry:
        case RoomCreated():
            return Published(entry.seq, frame, entry.members_ids)
        case MemberAdded():
            return Published(entry.seq, frame, [entry.user_id])
        case MemberLeft():
            return Published(entry.seq, frame, [], entry.user_id)
        case MessagePosted(seq=1) if entry.receiver_id is not None:
            return Published(entry.seq, frame, [entry.sender_id, entry.receiver_id])
        case _:
            return Published(entry.seq, frame, [])


class Release:
    """Lets entries through in `seq` order, each once, from the one after `released` on."""

    __slots__ = ("_held", "released")

    def __init__(self, released: int) -> None:
        self.released = released
        self._held: dict[int, Published] = {}

    @property
    def has_hole(self) -> bool:
        """Whether later entries wait for one that has not come."""
        return bool(self._held)

    def offer(self, entries: Iterable[Published]) -> list[Published]:
        """Take entries in and return those that are next, in order; they count as released."""
        run: list[Published] = []
        for entry in entries:
            if entry.seq == self.released + 1:
                run.append(entry)
                self.released += 1
                while (following := self._held.pop(self.released + 1, None)) is not None:
                    run.append(following)
                    self.released += 1
            elif entry.seq > self.released and len(self._held) < MAX_HELD:
                self._held[entry.seq] = entry
        return run
