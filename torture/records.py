"""What a run writes down: one JSON line per event, one file per client, times of one clock.

`t` is `time.monotonic_ns()` of one machine, so that "before" means before. `client` and `n` name a
record for as long as its file exists.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, Self

import msgspec

__all__ = [
    "Action",
    "Died",
    "Entry",
    "Fault",
    "Healed",
    "Member",
    "Read",
    "Record",
    "Recorder",
    "Recv",
    "Resume",
    "Send",
    "Session",
    "View",
    "load",
    "where",
]

Outcome = Literal["invoke", "ok", "fail", "info"]
"""`fail`: it did not and will not happen. `info`: it may have happened, or still may."""

Action = Literal[
    "message", "message_edited", "message_deleted", "reaction_added", "reaction_removed"
]
"""What a user asks for, by the name of the entry that it becomes."""


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag=str.lower, gc=False):
    t: int
    client: str
    n: int = 0


class Send(_Record, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to send a message or to change one, or what became of it.

    Attempts of one intent share `client_id`.
    """

    event: Outcome
    user: str
    conversation: str
    client_id: str
    message: str = ""
    """The text; of a reaction, the emoji."""
    action: Action = "message"
    target: int = 0
    """The seq of the message to change."""
    line: str = ""
    """Sends of one line were issued in this order over one connection, none waiting for others."""
    id: str = ""
    seq: int = 0


class Recv(_Record, frozen=True, kw_only=True, omit_defaults=True):
    """An entry as it came over a connection."""

    user: str
    conversation: str
    seq: int
    id: str
    client_id: str = ""
    message: str | None = None
    """None for entries that are not messages."""
    kind: str = ""
    target: int = 0
    text: str = ""
    """These three as in `Entry`."""


class View(_Record, frozen=True, kw_only=True, omit_defaults=True):
    """An entry as it was shown to the user, in the order in which it was."""

    user: str
    conversation: str
    seq: int
    id: str
    client_id: str = ""
    message: str | None = None
    kind: str = ""
    target: int = 0
    text: str = ""


class Resume(_Record, frozen=True, kw_only=True):
    """The server said that all of `after`+1 … `head` has been delivered to this client."""

    user: str
    conversation: str
    after: int
    head: int


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True, gc=False):
    """One entry of a log as a read returned it. Histories hold only messages."""

    seq: int
    id: str
    sender: str
    client_id: str
    message: str | None = None
    added: tuple[str, ...] = ()
    """Who became a member with it; in a private chat, the two who take part."""
    left: str = ""
    kind: str = ""
    """What it does to a message, as events name it; empty for all other entries."""
    target: int = 0
    """The seq of the message that it changes."""
    text: str = ""
    """The new text, or the emoji."""
    reactions: tuple[str, ...] = ()
    """Of a message: `emoji user` each, sorted."""
    deleted: bool = False


class Read(_Record, frozen=True, kw_only=True, omit_defaults=True):
    """A history read. An ok read holds every entry with a seq in `low` … `high` (0: no end)."""

    event: Outcome
    op: str
    user: str
    conversation: str
    low: int = 1
    high: int = 0
    entries: list[Entry] = []
    final: bool = False
    """Made when everything was over: it holds all there is."""
    store: bool = False
    """Made in the database: membership entries included."""


class Member(_Record, frozen=True, kw_only=True, omit_defaults=True):
    """A change of membership was asked for, or answered. Attempts share `op`."""

    event: Outcome
    op: str
    action: Literal["add", "remove"]
    conversation: str
    user: str
    seq: int = 0


class Session(_Record, frozen=True, kw_only=True):
    """A client began to follow its user's conversations, or ceased on purpose and for good.

    A client that reads everything from the beginning once is one of its own.
    """

    event: Literal["start", "stop"]
    user: str


class Fault(_Record, frozen=True, kw_only=True):
    """A fault was injected; or what it hit works again."""

    event: Literal["start", "stop"]
    op: str
    kind: str


class Healed(_Record, frozen=True, kw_only=True):
    """From here on there are no faults, and every process is up."""


class Died(_Record, frozen=True, kw_only=True):
    """A process ended by itself: nobody had killed it."""

    process: str
    exit_code: int


Record = Send | Recv | View | Resume | Read | Member | Session | Fault | Healed | Died

_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()


class Recorder:
    """Writes one client's file, and gives each record its time, its client and its number."""

    def __init__(self, directory: Path, client: str) -> None:
        self.client = client
        self._file: BinaryIO = (directory / f"{client}.jsonl").open("wb")
        self._n = 0
        self.acked = 0
        self.viewed = 0

    def write(self, kind: type[Record], /, **fields: object) -> int:
        """Append a record and return its time."""
        self._n += 1
        t = time.monotonic_ns()
        record = kind(t=t, client=self.client, n=self._n, **fields)  # type: ignore[arg-type]
        self._file.write(_encoder.encode(record) + b"\n")
        self._file.flush()
        self.acked += kind is Send and fields["event"] == "ok"
        self.viewed += kind is View
        return t

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def load(directory: Path) -> Iterator[Record]:
    """Read every record of a directory."""
    for path in sorted(directory.glob("*.jsonl")):
        with path.open("rb") as file:
            yield from map(_decoder.decode, file)


def where(records: Iterable[Record]) -> list[str]:
    """Name records the way a person finds them: file and line."""
    return [f"{record.client}.jsonl:{record.n}" for record in records]
