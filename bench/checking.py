"""Did everybody receive everything, once and in order? The checks that void a run.

The first reader to receive a frame of a stream has it parsed and checked: seqs without a hole,
each sender's numbers without a hole. All others must receive the very same bytes in the same
order, which a comparison of memory settles. What is no message (pings, answers) is passed by.
"""

import hashlib
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from bench.texts import mark_in

__all__ = ["Reader", "RoomsReader", "Stream", "VoidRunError", "require_contiguous"]

Cut = Callable[[bytes], Iterator[bytes]]

_SEQ = b'"seq":'
_CONVERSATION = b'"conversation_id":"'


class VoidRunError(Exception):
    """Something was lost, doubled, swapped or made up: the run proves nothing."""


class Stream:
    """The messages of one conversation, as all its readers must receive them.

    `completed[k]` is when the last of the readers of this process held message k.
    """

    def __init__(self, *, has_seqs: bool) -> None:
        self.bytes = bytearray()
        self.ends: list[int] = []
        self.marks: list[tuple[int, int]] = []
        self.completed: list[float] = []
        self._has_seqs = has_seqs
        self._seq: int | None = None
        self._next_numbers: defaultdict[int, int] = defaultdict(int)
        self._readers_at: list[int] = [0]

    def joined(self) -> None:
        """Count one more reader, from the first message on."""
        self._readers_at[0] += 1

    def append(self, frame: bytes, mark: tuple[int, int]) -> None:
        """Add the next message. Raises `VoidRunError` where it cannot be the next."""
        sender, number = mark
        expected = self._next_numbers[sender]
        if number != expected:
            raise VoidRunError(f"message {number} of sender {sender} came in place of {expected}")
        self._next_numbers[sender] = number + 1
        if self._has_seqs:
            seq = _seq_in(frame)
            if self._seq is not None and seq != self._seq + 1:
                raise VoidRunError(f"seq {seq} came after {self._seq}")
            self._seq = seq
        self.bytes += frame
        self.ends.append(len(self.bytes))
        self.marks.append(mark)
        self._readers_at.append(0)

    def moved(self, before: int, now: int) -> None:
        """Note that a reader that held `before` messages holds `now`."""
        at = self._readers_at
        at[before] -= 1
        at[now] += 1
        if at[before] == 0 and before == len(self.completed):
            moment = time.monotonic()
            while not at[len(self.completed)] and len(self.completed) < len(self.ends):
                self.completed.append(moment)

    def holds(self, index: int, frame: bytes) -> bool:
        """Say whether this frame, byte for byte, is the message at an index."""
        start = self.ends[index - 1] if index else 0
        return self.ends[index] - start == len(frame) and self.bytes.startswith(frame, start)

    def digest(self) -> str:
        """Return what two processes compare to know that their readers received the same."""
        return hashlib.sha256(self.bytes).hexdigest()


class Reader:
    """One connection that follows one stream."""

    __slots__ = ("_cut", "_pending", "_position", "_stream", "held", "other")

    def __init__(self, stream: Stream, cut: Cut, other: Callable[[bytes], None]) -> None:
        self.held = 0
        self.other = other
        self._stream = stream
        self._cut = cut
        self._position = 0
        self._pending = b""
        stream.joined()

    def feed(self, received: memoryview) -> int:
        """Take in bytes and return how many more messages are held.

        Raises `VoidRunError` where they are not what the others received.
        """
        stream, before = self._stream, self.held
        # Exactly what others received already: nothing to parse.
        if not self._pending and stream.bytes.startswith(received, self._position):
            self._position += len(received)
            self.held = bisect_right(stream.ends, self._position, before)
        else:
            self._parse(received)
        if self.held > before:
            stream.moved(before, self.held)
        return self.held - before

    def begin_again(self) -> None:
        """Forget the part of a frame that a lost connection has left."""
        self._position = self._stream.ends[self.held - 1] if self.held else 0
        self._pending = b""

    def _parse(self, received: memoryview) -> None:
        stream = self._stream
        start = stream.ends[self.held - 1] if self.held else 0
        # What of a frame came before and was compared; what was not is pending.
        data = bytes(stream.bytes[start : self._position]) + self._pending + received
        used = 0
        for frame in self._cut(data):
            used += len(frame)
            mark = mark_in(frame)
            if mark is None:
                self.other(frame)
                continue
            if self.held == len(stream.ends):
                stream.append(frame, mark)
            elif not stream.holds(self.held, frame):
                theirs = stream.marks[self.held]
                raise VoidRunError(f"a reader received {mark} where others received {theirs}")
            self.held += 1
        self._position = stream.ends[self.held - 1] if self.held else 0
        self._pending = data[used:]


class RoomsReader:
    """One connection that follows several streams, told apart by the conversation's id."""

    __slots__ = ("_cut", "_held", "_pending", "_streams", "held", "other")

    def __init__(
        self, streams: dict[bytes, Stream], cut: Cut, other: Callable[[bytes], None]
    ) -> None:
        self.held = 0
        self.other = other
        self._streams = streams
        self._held = dict.fromkeys(streams, 0)
        self._cut = cut
        self._pending = b""
        for stream in streams.values():
            stream.joined()

    def feed(self, received: memoryview) -> int:
        """As `Reader.feed`."""
        before = self.held
        data = self._pending + received
        used = 0
        for frame in self._cut(data):
            used += len(frame)
            mark = mark_in(frame)
            if mark is None:
                self.other(frame)
            else:
                self._take(frame, mark)
        self._pending = data[used:]
        return self.held - before

    def _take(self, frame: bytes, mark: tuple[int, int]) -> None:
        at = frame.find(_CONVERSATION) + len(_CONVERSATION)
        conversation = frame[at : frame.find(b'"', at)]
        stream = self._streams.get(conversation)
        if stream is None:
            raise VoidRunError(f"a reader received {mark} of a room that it is not in")
        held = self._held[conversation]
        if held == len(stream.ends):
            stream.append(frame, mark)
        elif not stream.holds(held, frame):
            raise VoidRunError(f"a reader received {mark} where others received another message")
        self._held[conversation] = held + 1
        self.held += 1
        stream.moved(held, held + 1)


def require_contiguous(seqs: Iterable[int], what: str) -> None:
    """Raise `VoidRunError` unless acknowledged seqs are all different and leave no hole."""
    ordered = sorted(seqs)
    for one, following in pairwise(ordered):
        if following != one + 1:
            raise VoidRunError(f"{what}: seq {following} follows {one}")


def _seq_in(frame: bytes) -> int:
    at = frame.find(_SEQ) + len(_SEQ)
    if at < len(_SEQ):
        raise VoidRunError("a message came without a seq")
    return int(frame[at : frame.find(b",", at)])
