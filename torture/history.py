"""The records of a run, sorted by what the checks ask for. Judges nothing."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from torture.lives import lives
from torture.records import (
    Died,
    Entry,
    Fault,
    Healed,
    Member,
    Read,
    Record,
    Recv,
    Resume,
    Send,
    Session,
    View,
)

__all__ = ["History", "Log", "Observed", "Sent"]

Observed = Recv | View | Entry
"""An entry as somebody was shown it, or as it is stored."""

_FOREVER = 2**63


@dataclass(slots=True)
class Sent:
    """All that is known of one message or change that somebody tried to send."""

    first: Send
    invokes: int = 0
    acks: list[Send] = field(default_factory=list)
    refusal: Send | None = None
    doubts: int = 0
    outcomes: int = 0
    last_t: int = 0

    @property
    def refused(self) -> bool:
        """Whether every answer was a refusal: then it must not be stored."""
        return self.refusal is not None and not self.acks and not self.doubts


@dataclass(slots=True)
class Log:
    """What the database holds of one conversation, in order, and who was in it when."""

    read: Read
    at: dict[int, Entry] = field(default_factory=dict)
    stays: defaultdict[str, list[list[int]]] = field(default_factory=lambda: defaultdict(list))
    """Per user the seqs [joined, left); left is 0 while the user is in."""

    @property
    def head(self) -> int:
        """The seq of the newest entry."""
        return max(self.at, default=0)

    def has_member(self, user: str, seq: int) -> bool:
        """Say whether a user was in, the entry at `seq` applied."""
        stays = self.stays.get(user, [])
        latest = bisect_right(stays, [seq, _FOREVER]) - 1
        return latest >= 0 and (not stays[latest][1] or seq < stays[latest][1])

    def left_within(self, user: str, low: int, high: int) -> bool:
        """Say whether a user left at one of these seqs."""
        stays = self.stays.get(user, [])
        first = max(0, bisect_right(stays, [low, _FOREVER]) - 1)
        return any(low <= left <= high for joined, left in stays[first:] if joined <= high)


class History:
    """The records of a run, sorted by what the checks ask for."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.sends: dict[str, Sent] = {}
        self.lines: defaultdict[str, list[Send]] = defaultdict(list)
        self.logs: dict[str, Log] = {}
        self.finals: list[Read] = []
        self.reads: list[tuple[Read, Read]] = []
        self.seen: defaultdict[tuple[str, str], list[Recv | View]] = defaultdict(list)
        self.resumes: list[Resume] = []
        self.changes: dict[str, list[Member]] = defaultdict(list)
        self.sessions: dict[str, Session] = {}
        self.began: dict[str, int] = {}
        """When each client first connected."""
        self.faults: list[Fault] = []
        self.healed: Healed | None = None
        self.deaths: list[Died] = []
        self._asked: dict[str, Read] = {}
        for record in records:
            self._take(record)
        self.seen_by: defaultdict[tuple[str, str], list[list[Recv | View]]] = defaultdict(list)
        for (_, conversation), seen in self.seen.items():
            self.seen_by[conversation, seen[0].user].append(seen)
        self.reads_of: defaultdict[tuple[str, str], list[tuple[Read, Read]]] = defaultdict(list)
        for asked, read in sorted(self.reads, key=lambda pair: pair[0].t):
            self.reads_of[read.conversation, read.user].append((asked, read))
        texts = {client_id: sent.first.message for client_id, sent in self.sends.items()}
        self.lives = {name: lives(log.at, texts) for name, log in self.logs.items()}
        self.acked = [sent for sent in self.sends.values() if sent.acks]

    def _take(self, record: Record) -> None:
        match record:
            case Recv() | View():
                self.seen[record.client, record.conversation].append(record)
            case Send():
                self._take_send(record)
            case Read():
                self._take_read(record)
            case Resume():
                self.resumes.append(record)
            case Member():
                self.changes[record.op].append(record)
            case Session(event="start"):
                self.sessions[record.client] = record
                self.began.setdefault(record.client, record.t)
            case Session():
                self.sessions.pop(record.client, None)
            case Fault():
                self.faults.append(record)
            case Healed():
                self.healed = record
            case Died():
                self.deaths.append(record)

    def _take_read(self, record: Read) -> None:
        if record.event == "invoke":
            self._asked[record.op] = record
        elif record.event == "ok" and record.store:
            self.logs[record.conversation] = _folded(record)
        elif record.event == "ok":
            self.reads.append((self._asked[record.op], record))
            if record.final:
                self.finals.append(record)

    def _take_send(self, record: Send) -> None:
        sent = self.sends.get(record.client_id)
        if sent is None:
            sent = self.sends[record.client_id] = Sent(record)
        sent.last_t = max(sent.last_t, record.t)
        sent.outcomes += record.event != "invoke"
        match record.event:
            case "invoke":
                sent.invokes += 1
                if record.line:
                    self.lines[record.line].append(record)
            case "ok":
                sent.acks.append(record)
            case "fail":
                sent.refusal = record
            case "info":
                sent.doubts += 1

    def answered_at(self, client_id: str) -> int | None:
        """When a request was last heard of; None for one that no client made."""
        if client_id in self.sends:
            return self.sends[client_id].last_t
        return max((change.t for change in self.changes.get(client_id, ())), default=None)

    def observations(self) -> Iterator[tuple[Record, str, Observed]]:
        """Every entry that anybody was shown, with its conversation."""
        for seen in self.seen.values():
            for each in seen:
                yield each, each.conversation, each
        for _, read in self.reads:
            for one in read.entries:
                yield read, read.conversation, one

    def asked_at(self, op: str) -> int:
        """When a change of membership was first asked for; 0 for one that no client made."""
        return min((change.t for change in self.changes.get(op, ())), default=0)

    def absences(self) -> Iterator[tuple[str, str, int, int]]:
        """Every (conversation, user, from, to): surely no member then, by the clients' clock."""
        returns: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for conversation, log in self.logs.items():
            for seq, entry in log.at.items():
                for user in entry.added:
                    returns[conversation, user].append((seq, self.asked_at(entry.client_id)))
        for each in self.changes.values():
            for change in each:
                if change.event == "ok" and change.action == "remove":
                    later = returns[change.conversation, change.user]
                    back = min((t for seq, t in later if seq > change.seq), default=_FOREVER)
                    yield change.conversation, change.user, change.t, back


def _folded(read: Read) -> Log:
    log = Log(read)
    for entry in read.entries:
        log.at.setdefault(entry.seq, entry)
        for user in entry.added:
            stays = log.stays[user]
            if not stays or stays[-1][1]:
                stays.append([entry.seq, 0])
        if entry.left and log.stays[entry.left]:
            log.stays[entry.left][-1][1] = entry.seq
    return log
