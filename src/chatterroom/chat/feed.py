"""One conversation's entries on their way to the sockets of this instance, strictly in order.

Pure: entries go in as they come, doubled, early or late; runs without holes come out. What is kept
is bounded in number and in bytes, for each conversation and for all together.
"""

from collections import OrderedDict, deque
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

__all__ = [
    "Early",
    "EarlyTotal",
    "KeptTails",
    "Published",
    "Release",
    "Tail",
    "publish",
]

# Beyond this what comes early is dropped: it will be read from the store with what is missing.
MAX_HELD = 1_000
MAX_HELD_BYTES = 512 * 1024
# What a feed remembers for those who come back: enough for a short absence of many.
MAX_TAIL = 500
MAX_TAIL_BYTES = 1024 * 1024
# What an entry takes beside its frame, and each id of one who was added.
_ENTRY_BYTES = 256
_ID_BYTES = 80


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
        case MessagePosted() if entry.receiver_id is not None:
            return Published(entry.seq, frame, _brought_in(entry, entry.receiver_id))
        case _:
            return Published(entry.seq, frame, [])


def _brought_in(entry: MessagePosted, receiver_id: UserId) -> list[UserId]:
    """Return who takes part in a private chat from a message on."""
    if entry.seq == 1:
        return [entry.sender_id] if entry.request else [entry.sender_id, receiver_id]
    return [entry.sender_id] if entry.accepts else []


def _memory_of(entry: Published) -> int:
    """Return about how much memory an entry takes."""
    return len(entry.frame) + _ENTRY_BYTES + _ID_BYTES * len(entry.added)


class EarlyTotal:
    """What comes before its turn in all conversations together."""

    __slots__ = ("bytes", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0


class Early:
    """What comes before its turn in a conversation: so much, and the rest is left out."""

    __slots__ = ("_by_seq", "_bytes", "_total")

    def __init__(self, total: EarlyTotal) -> None:
        self._by_seq: dict[int, Published] = {}
        self._bytes = 0
        self._total = total

    def __len__(self) -> int:
        return len(self._by_seq)

    def add(self, entry: Published) -> None:
        """Keep an entry if there is room; there is for one."""
        size = _memory_of(entry)
        is_full = (
            len(self._by_seq) >= MAX_HELD
            or self._bytes + size > MAX_HELD_BYTES
            or self._total.bytes + size > self._total.max_bytes
        )
        if entry.seq not in self._by_seq and not (self._by_seq and is_full):
            self._by_seq[entry.seq] = entry
            self._count(size)

    def pop(self, seq: int) -> Published | None:
        """Take out the entry at a seq."""
        entry = self._by_seq.pop(seq, None)
        if entry is not None:
            self._count(-_memory_of(entry))
        return entry

    def pop_all(self) -> list[Published]:
        """Take out everything, in order."""
        entries = [self._by_seq[seq] for seq in sorted(self._by_seq)]
        self._by_seq.clear()
        self._count(-self._bytes)
        return entries

    def _count(self, by: int) -> None:
        self._bytes += by
        self._total.bytes += by


class Release:
    """Lets entries through in `seq` order, each once, from the one after `released` on."""

    __slots__ = ("_held", "released")

    def __init__(self, released: int, total: EarlyTotal) -> None:
        self.released = released
        self._held = Early(total)

    @property
    def has_hole(self) -> bool:
        """Whether later entries wait for one that has not come."""
        return len(self._held) > 0

    def offer(self, entries: Iterable[Published]) -> list[Published]:
        """Take entries in and return those that are next, in order; they count as released."""
        run: list[Published] = []
        for entry in entries:
            if entry.seq == self.released + 1:
                run.append(entry)
                self.released += 1
                while (following := self._held.pop(self.released + 1)) is not None:
                    run.append(following)
                    self.released += 1
            elif entry.seq > self.released:
                self._held.add(entry)
        return run

    def forget_held(self) -> None:
        """Let go of what waits."""
        self._held.pop_all()


class Tail:
    """The newest released entries, without holes, so that many who missed the same share a read."""

    __slots__ = ("_entries", "_start", "bytes")

    def __init__(self, released: int) -> None:
        self._start = released + 1
        self._entries: deque[Published] = deque()
        self.bytes = 0
        """How much memory it takes."""

    def append(self, run: Iterable[Published]) -> None:
        """Add what was released next; the oldest beyond the bounds are forgotten.

        So is all up to an entry that erases: it must not be told as it was.
        """
        for entry in run:
            self._entries.append(entry)
            self.bytes += _memory_of(entry)
            if entry.erases:
                self.forget()
        while len(self._entries) > MAX_TAIL or self.bytes > MAX_TAIL_BYTES:
            self.bytes -= _memory_of(self._entries.popleft())
            self._start += 1

    def prepend(self, entries: list[Published]) -> None:
        """Add older entries that were read, as far as they join and fit."""
        for entry in reversed(entries):
            if entry.seq >= self._start:
                continue
            size = _memory_of(entry)
            joins = entry.seq == self._start - 1
            if not joins or len(self._entries) >= MAX_TAIL or self.bytes + size > MAX_TAIL_BYTES:
                return
            self._entries.appendleft(entry)
            self.bytes += size
            self._start -= 1

    def after(self, seq: int, max_bytes: int) -> list[Published] | None:
        """Return the entries above `seq`, or None where the first of them is not remembered.

        No more of them than `max_bytes` of frames, but at least one, if there is one.
        """
        if seq + 1 < self._start:
            return None
        first = seq + 1 - self._start
        found: list[Published] = []
        for entry in islice(self._entries, first, None):
            max_bytes -= len(entry.frame)
            if max_bytes < 0 and found:
                break
            found.append(entry)
        return found

    def forget(self) -> None:
        """Let go of all entries."""
        self._start += len(self._entries)
        self._entries.clear()
        self.bytes = 0


class KeptTails:
    """Bounds what all tails take together: those that were used least recently are forgotten."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._counted: OrderedDict[Tail, int] = OrderedDict()
        self.bytes = 0
        """How much memory all of them take."""

    def used(self, tail: Tail) -> None:
        """Take note that a tail was read or has changed."""
        self.bytes += tail.bytes - self._counted.get(tail, 0)
        if not tail.bytes:
            self._counted.pop(tail, None)
            return
        self._counted[tail] = tail.bytes
        self._counted.move_to_end(tail)
        while self.bytes > self._max_bytes:
            oldest, size = self._counted.popitem(last=False)
            oldest.forget()
            self.bytes -= size

    def drop(self, tail: Tail) -> None:
        """Count a tail no longer, as its feed is closed."""
        self.bytes -= self._counted.pop(tail, 0)
