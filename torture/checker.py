"""Judges a history: did the platform keep every promise that its answers made? Pure.

A verdict is `failed` where a promise was broken, `unknown` where the run was too tame to tell,
and only else `passed`. A send that was never answered may or may not be stored: both are right.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, pairwise
from typing import Literal

import msgspec

from torture.changes import Findings, is_as_asked, may_show, misshapen
from torture.history import History, Observed
from torture.records import Read, Record, Send, View, where

__all__ = ["CHECKS", "Verdict", "Violation", "check"]

LIVENESS_S = 10
_NS = 1_000_000_000


class Violation(msgspec.Struct, frozen=True):
    """One broken promise: which, how, and the records that show it."""

    check: str
    what: str
    records: list[str]


class Verdict(msgspec.Struct, frozen=True):
    """What a history proves. `counts` has every violation, `violations` the first of each kind."""

    state: Literal["passed", "failed", "unknown"]
    reasons: list[str]
    counts: dict[str, int]
    violations: list[Violation]
    acked: int
    stored: int
    faults_in_flight: int
    """Faults that began while a send was waiting for its answer."""


def check(
    records: Iterable[Record],
    *,
    required_acks: int = 1_000,
    shown: int = 5,
    needs_faults: bool = True,
) -> Verdict:
    """Judge a history. At most `shown` violations of each check are spelled out.

    With `needs_faults` it proves nothing unless a fault began while a send was in flight.
    """
    history = History(records)
    counts: Counter[str] = Counter()
    violations: list[Violation] = []
    for name, find in CHECKS.items():
        for what, involved in find(history):
            counts[name] += 1
            if counts[name] <= shown:
                violations.append(Violation(name, what, where(involved)))
    in_flight = _faults_in_flight(history)
    reasons = list(_doubts(history, required_acks))
    if needs_faults and not in_flight:
        reasons.append("no fault began while a send was in flight")
    return Verdict(
        state="failed" if violations else "unknown" if reasons else "passed",
        reasons=reasons,
        counts=dict(counts),
        violations=violations,
        acked=len(history.acked),
        stored=sum(len(log.at) for log in history.logs.values()),
        faults_in_flight=in_flight,
    )


def _lost_acked(history: History) -> Findings:
    for sent in history.acked:
        ack = sent.acks[0]
        log = history.logs.get(ack.conversation)
        entry = log.at.get(ack.seq) if log else None
        if log is None or entry is None:
            yield f"{ack.id} was acknowledged and is not stored", [sent.first, ack]
        elif (entry.id, entry.client_id) != (ack.id, ack.client_id):
            yield f"{ack.id} was acknowledged; another entry is in its place", [ack, log.read]


def _phantom(history: History) -> Findings:
    for log in history.logs.values():
        for entry in log.read.entries:
            if entry.message is None and not entry.kind:
                continue
            sent = history.sends.get(entry.client_id)
            if sent is None:
                yield f"{entry.id} is stored, and nobody sent it", [log.read]
            elif sent.refused and sent.refusal is not None:
                yield f"{entry.id} is stored, and was refused", [sent.refusal, log.read]
            elif sent.first.conversation != log.read.conversation or not is_as_asked(
                entry, sent.first, history.lives[log.read.conversation]
            ):
                yield f"{entry.id} is stored otherwise than it was sent", [sent.first, log.read]
    for record, conversation, shown in history.observations():
        seen_log = history.logs.get(conversation)
        stored = seen_log.at.get(shown.seq) if seen_log else None
        if stored is None or not may_show(shown, stored, history.lives[conversation]):
            yield f"{shown.id} was shown with what is not stored", [record]


def _duplicate(history: History) -> Findings:
    for log in history.logs.values():
        requests = Counter(entry.client_id for entry in log.read.entries)
        for client_id, times in requests.items():
            if times > 1:
                sent = history.sends.get(client_id)
                known: list[Record] = [sent.first] if sent else []
                yield f"request {client_id} is stored {times} times", [*known, log.read]
    for sent in history.acked:
        if len({(ack.conversation, ack.seq, ack.id) for ack in sent.acks}) > 1:
            yield f"request {sent.first.client_id} got different answers", [*sent.acks]
    for views in _views(history):
        shown: set[str] = set()
        for view in views:
            if view.id in shown:
                yield f"{view.id} was shown twice", [view]
            shown.add(view.id)


def _order(history: History) -> Findings:
    for log in history.logs.values():
        if len(log.at) != len(log.read.entries):
            places = Counter(entry.seq for entry in log.read.entries)
            shared = sorted(seq for seq, times in places.items() if times > 1)
            yield f"places {shared[:5]} hold more than one entry", [log.read]
    ids: dict[tuple[str, int], str] = {}
    places_of: dict[str, tuple[str, int]] = {}
    acks = ((ack, ack.conversation, ack) for sent in history.acked for ack in sent.acks)
    stored = (
        (log.read, log.read.conversation, entry)
        for log in history.logs.values()
        for entry in log.read.entries
    )
    seen: list[Iterable[tuple[Record, str, Observed | Send]]] = [
        stored,
        acks,
        history.observations(),
    ]
    for record, conversation, each in chain.from_iterable(seen):
        place = (conversation, each.seq)
        if (
            ids.setdefault(place, each.id) != each.id
            or places_of.setdefault(each.id, place) != place
        ):
            yield f"{each.id} at {each.seq}: seen with another id or place", [record]
    for read in history.finals:
        final_log = history.logs.get(read.conversation)
        whole = final_log.read.entries if final_log else []
        messages = [(e.seq, e.id, e.sender, e.message) for e in whole if e.message is not None]
        if [(e.seq, e.id, e.sender, e.message) for e in read.entries] != messages:
            yield f"the final read of {read.user} is not what is stored", [read]
    for views in _views(history):
        for before, after in pairwise(views):
            if after.seq < before.seq:
                yield f"{after.seq} was shown after {before.seq}", [before, after]


def _gap(history: History) -> Findings:
    for log in history.logs.values():
        missing = sorted(set(range(1, log.head + 1)) - log.at.keys())
        if missing:
            yield f"nothing is stored at {missing[:5]} of {log.read.conversation}", [log.read]
    for views in _views(history):
        log_ = history.logs.get(views[0].conversation)
        for before, after in pairwise(views):
            left = log_ is not None and log_.left_within(after.user, before.seq, after.seq)
            if before.seq + 1 < after.seq and not left:
                yield f"{before.seq + 1} … {after.seq - 1} were never shown", [before, after]


def _real_time(history: History) -> Findings:
    times, highest = _acks_by_time(history)
    for sent in history.acked:
        ack = sent.acks[0]
        earlier = bisect_left(times[ack.conversation], sent.first.t)
        if earlier and highest[ack.conversation][earlier - 1].seq > ack.seq:
            before = highest[ack.conversation][earlier - 1]
            yield f"{ack.seq} was sent after {before.seq} was acknowledged", [before, sent.first]


def _stale(history: History) -> Findings:
    times, highest = _acks_by_time(history)
    messages = (sent for sent in history.acked if sent.first.action == "message")
    acked_at = {(a.conversation, a.seq): a for sent in messages for a in sent.acks[:1]}
    for asked, read in history.reads:
        known = bisect_left(times[read.conversation], asked.t)
        if not known:
            continue
        head = highest[read.conversation][known - 1].seq
        held = {entry.seq for entry in read.entries}
        for seq in range(read.low, (min(head, read.high) if read.high else head) + 1):
            ack = acked_at.get((read.conversation, seq))
            if ack is not None and seq not in held and ack.t < asked.t:
                yield f"{seq} was acknowledged before a read that lacks it", [ack, asked, read]
                break


def _resume(history: History) -> Findings:
    observed = {key: {each.seq for each in seen} for key, seen in history.seen.items()}
    for resume in history.resumes:
        seqs = observed.get((resume.client, resume.conversation), set())
        missing = [seq for seq in range(resume.after + 1, resume.head + 1) if seq not in seqs]
        if missing:
            yield f"{missing[:5]} were missed by a complete resume", [resume]


def _non_member(history: History) -> Findings:
    yield from _sent_from_outside(history)
    yield from _delivered_outside(history)
    for absence in history.absences():
        yield from _known_while_absent(history, *absence)


def _sent_from_outside(history: History) -> Findings:
    for log in history.logs.values():
        for entry in log.read.entries:
            if entry.message is not None and not log.has_member(entry.sender, entry.seq):
                sent = history.sends.get(entry.client_id)
                known: list[Record] = [sent.first] if sent else []
                yield f"{entry.id} was sent by one who was no member", [*known, log.read]


def _delivered_outside(history: History) -> Findings:
    """By position: who leaves at 20 is told so, and of nothing behind it before coming back."""
    for (conversation, user), views in history.seen_by.items():
        log = history.logs.get(conversation)
        stays = log.stays.get(user, []) if log else []
        joins = [joined for joined, _ in stays]
        for each in chain.from_iterable(views) if log else ():
            stay = bisect_right(joins, each.seq) - 1
            if stay >= 0 and (not stays[stay][1] or each.seq <= stays[stay][1]):
                continue
            later = [log.at[joined] for joined in joins[stay + 1 :]] if log else []
            if not any(history.asked_at(entry.client_id) <= each.t for entry in later):
                yield f"{each.id} reached {each.user}, who was no member", [each]


def _known_while_absent(
    history: History, conversation: str, user: str, start: int, end: int
) -> Findings:
    """By the clock: nothing is read, and nothing arrives that was sent after the removal."""
    reads = history.reads_of[conversation, user]
    for asked, read in reads[bisect_right(reads, start, key=_asked) :]:
        if asked.t > end:
            break
        if read.t < end:
            yield f"{user} read {conversation} without being a member", [asked, read]
    for seen in history.seen_by[conversation, user]:
        for each in seen[bisect_right(seen, start, key=_time) :]:
            if each.t > end:
                break
            sent = history.sends.get(each.client_id)
            if sent is not None and sent.first.t > start:
                yield f"{each.id} reached {user} after the removal", [sent.first, each]


def _liveness(history: History) -> Findings:
    for sent in history.sends.values():
        if sent.invokes > sent.outcomes:
            yield f"{sent.first.client_id} never got an answer", [sent.first]
    healed = history.healed
    if healed is None:
        return
    for session in history.sessions.values():
        for conversation, log in history.logs.items():
            if not log.at or not log.has_member(session.user, log.head):
                continue
            written = history.answered_at(log.at[log.head].client_id)
            if written is not None and written < session.t:
                continue
            due = max(healed.t, written or 0) + LIVENESS_S * _NS
            seen = history.seen.get((session.client, conversation), [])
            if not any(each.seq == log.head and each.t <= due for each in reversed(seen)):
                what = f"{session.user} did not see the end of {conversation} in {LIVENESS_S} s"
                yield what, [session, log.read, *seen[-1:]]


def _fifo(history: History) -> Findings:
    for line in history.lines.values():
        once = [history.sends[send.client_id] for send in line]
        acks = [sent.acks[0] for sent in once if sent.invokes == 1 and sent.acks]
        of: defaultdict[str, list[Send]] = defaultdict(list)
        for ack in acks:
            of[ack.conversation].append(ack)
        for together in of.values():
            for before, after in pairwise(together):
                if after.seq < before.seq:
                    yield f"{after.seq} was sent behind {before.seq}", [before, after]


def _crash(history: History) -> Findings:
    for death in history.deaths:
        yield f"{death.process} ended by itself with {death.exit_code}", [death]


CHECKS = {
    "LOST_ACKED": _lost_acked,
    "PHANTOM": _phantom,
    "DUPLICATE": _duplicate,
    "ORDER": _order,
    "GAP": _gap,
    "REAL_TIME": _real_time,
    "STALE": _stale,
    "RESUME": _resume,
    "NON_MEMBER": _non_member,
    "LIVENESS": _liveness,
    "FIFO": _fifo,
    "STATE": misshapen,
    "CRASH": _crash,
}


def _doubts(history: History, required_acks: int) -> Iterator[str]:
    if len(history.acked) < required_acks:
        yield f"{len(history.acked)} acknowledged sends are fewer than {required_acks}"
    senders = {sent.first.client_id: sent.first.user for sent in history.sends.values()}
    if not any(
        senders.get(view.client_id, view.user) != view.user
        for views in _views(history)
        for view in views
    ):
        yield "nobody received anything from somebody else"
    if history.healed is None:
        yield "the platform was never healed"
    unread = {sent.first.conversation for sent in history.acked} - history.logs.keys()
    if unread or not history.finals:
        yield "there is no final read of everything"


def _faults_in_flight(history: History) -> int:
    begins = sorted(sent.first.t for sent in history.sends.values())
    ends = sorted(sent.last_t for sent in history.sends.values())
    starts = [fault.t for fault in history.faults if fault.event == "start"]
    return sum(bisect_right(begins, t) > bisect_left(ends, t) for t in starts)


def _views(history: History) -> Iterator[list[View]]:
    for seen in history.seen.values():
        views = [each for each in seen if isinstance(each, View)]
        if views:
            yield views


def _acks_by_time(history: History) -> tuple[dict[str, list[int]], dict[str, list[Send]]]:
    """Per conversation the times of acknowledgements, and the highest ack up to each."""
    acks: defaultdict[str, list[Send]] = defaultdict(list)
    for sent in history.acked:
        acks[sent.first.conversation].append(sent.acks[0])
    times: defaultdict[str, list[int]] = defaultdict(list)
    highest: dict[str, list[Send]] = {}
    for conversation, each in acks.items():
        each.sort(key=_time)
        times[conversation] = [ack.t for ack in each]
        highest[conversation] = list(accumulate(each, _higher))
    return times, highest


def _higher(one: Send, other: Send) -> Send:
    return other if other.seq > one.seq else one


def _time(record: Record) -> int:
    return record.t


def _asked(read: tuple[Read, Read]) -> int:
    return read[0].t
