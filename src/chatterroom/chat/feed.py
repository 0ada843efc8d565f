"""One conversation's entries on their way to the sockets of this instance, strictly in order.

Pure: entries go in as they come, doubled, early or late; runs without holes come out.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice

import msgspec

from chatterroom.chat.entries import (
    Entry,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    MessageDeleted,
    MessagePosted,
    RoomCreated,
)
from chatterroom.chat.events import encode_entry
from chatterroom.core.ids import UserId
from chatterroom.sockets.frames import text_frame

__all__ = ["MAX_HELD", "Published", "Release", "Tail", "publish"]

# Beyond this what comes early is dropped: it will be read from the store with what is missing.
MAX_HELD = 1_000
# What a feed remembers for those who come back: enough for a short absence of many.
MAX_TAIL = 500


class Published(msgspec.Struct, frozen=True, array_like=True):
    """An entry ready to send: a complete WebSocket frame, and whose membership it changes."""

    seq: int
    frame: bytes
    added: list[UserId]
    left: UserId | None = None
    erases: bool = False
    """Whether it takes back the text of entries before it."""


def publish(entry: Entry) -> Published:
    """Encode an entry, once for all its receivers."""
    frame = text_frame(encode_entry(entry))
    match entry:
        case RoomCreated():
            return Published(entry.seq, frame, entry.members_ids)
        case MemberAdded():
            return Published(entry.seq, frame, [entry.user_id])
        case MemberLeft() | MemberRemoved():
            return Published(entry.seq, frame, [], entry.user_id)
        case MessageDeleted():
            return Published(entry.seq, frame, [], erases=True)
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


class Tail:
    """The newest released entries, without holes, so that many who missed the same share a read."""

    __slots__ = ("_entries", "_start")

    def __init__(self, released: int) -> None:
        self._start = released + 1
        self._entries: deque[Published] = deque()

    def append(self, run: Iterable[Published]) -> None:
        """Add what was released next; the oldest beyond the bound are forgotten.

        So is all up to an entry that erases: it must not be told as it was.
        """
        for entry in run:
            self._entries.append(entry)
            if entry.erases:
                self._start = entry.seq + 1
                self._entries.clear()
        while len(self._entries) > MAX_TAIL:
            self._entries.popleft()
            self._start += 1

    def prepend(self, entries: list[Published]) -> None:
        """Add older entries that were read, as far as they join and fit."""
        older = [entry for entry in entries if entry.seq < self._start]
        if older and older[-1].seq == self._start - 1:
            room = max(0, MAX_TAIL - len(self._entries))
            kept = older[max(0, len(older) - room) :]
            self._entries.extendleft(reversed(kept))
            self._start -= len(kept)

    def after(self, seq: int) -> list[Published] | None:
        """Return all entries above `seq`, or None where some are not remembered."""
        if seq + 1 < self._start:
            return None
        return list(islice(self._entries, seq + 1 - self._start, None))
