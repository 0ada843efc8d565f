"""Judges what a history says of changes to messages: edits, deletions, reactions. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from torture.history import History, Log, Observed
from torture.lives import Life
from torture.records import Entry, Read, Record, Send

__all__ = ["Findings", "is_as_asked", "may_show", "misshapen"]

Findings = Iterator[tuple[str, list[Record]]]


def may_show(shown: Observed, stored: Observed, of: Mapping[int, Life]) -> bool:
    """Say whether somebody may have been shown this for the entry that is stored in its place."""
    names = (shown.id, shown.client_id, shown.kind, shown.target)
    if names != (stored.id, stored.client_id, stored.kind, stored.target):
        return False
    if shown.message is None or stored.message is None:
        life = of.get(shown.target)
        if shown.kind == "message_edited" and life is not None:
            return (shown.seq, shown.text) in life.texts or (not shown.text and life.deleted > 0)
        return shown.message is stored.message and shown.text == stored.text
    life = of.get(shown.seq)
    return life is not None and life.had(shown.message)


def is_as_asked(entry: Entry, sent: Send, of: Mapping[int, Life]) -> bool:
    """Say whether an entry is what was asked for, but for what was done to it later."""
    kind = entry.kind or "message"
    if (entry.sender, kind, entry.target) != (sent.user, sent.action, sent.target):
        return False
    if entry.message is not None:
        life = of.get(entry.seq)
        return life is not None and life.had(entry.message)
    life = of.get(entry.target)
    if kind == "message_edited" and not entry.text and life is not None and life.deleted:
        return True
    return entry.text == sent.message


def misshapen(history: History) -> Findings:
    """Find messages that are not what their changes add up to, and texts read after their time."""
    for conversation, log in history.logs.items():
        of = history.lives[conversation]
        yield from _impossible(log)
        yield from _not_as_it_became(log.read, of)
        for entry in log.read.entries:
            life = of.get(entry.target)
            if entry.kind == "message_edited" and life and life.deleted and entry.text:
                yield f"the edit {entry.id} still has the text of a deleted message", [log.read]
    for read in history.finals:
        yield from _not_as_it_became(read, history.lives.get(read.conversation, {}))
    yield from _read_after_its_time(history)
    yield from _told_again(history)


def _impossible(log: Log) -> Findings:
    """What no state allows: a second time, after the deletion, or by somebody else."""
    authors: dict[int, str] = {}
    deleted: set[int] = set()
    reactions: set[tuple[int, str, str]] = set()
    for seq, entry in sorted(log.at.items()):
        if entry.message is not None:
            authors[seq] = entry.sender
        if not entry.kind:
            continue
        if entry.target not in authors or entry.target in deleted:
            yield f"{entry.id} changes what was not there any more", [log.read]
        reaction = (entry.target, entry.text, entry.sender)
        match entry.kind:
            case "message_edited" if authors.get(entry.target) != entry.sender:
                yield f"{entry.id} edits what somebody else wrote", [log.read]
            case "message_deleted":
                deleted.add(entry.target)
            case "reaction_added":
                if reaction in reactions:
                    yield f"{entry.id} adds a reaction that is there", [log.read]
                reactions.add(reaction)
            case "reaction_removed":
                if reaction not in reactions:
                    yield f"{entry.id} takes back a reaction that is not there", [log.read]
                reactions.discard(reaction)


def _not_as_it_became(read: Read, of: Mapping[int, Life]) -> Findings:
    for entry in read.entries:
        life = of.get(entry.seq)
        if entry.message is None or life is None:
            continue
        if entry.message != life.text:
            yield f"{entry.id} has the text {entry.message!r}, not {life.text!r}", [read]
        if entry.deleted is not bool(life.deleted):
            yield f"{entry.id}: deleted is {entry.deleted}", [read]
        if list(entry.reactions) != sorted(life.reactions):
            reactions = (sorted(life.reactions), list(entry.reactions))
            yield f"{entry.id} has not the reactions {reactions[0]} but {reactions[1]}", [read]


def _read_after_its_time(history: History) -> Findings:
    """A read shows at least what was acknowledged before it was asked for."""
    acks = _change_acks(history)
    for asked, read in history.reads:
        of = history.lives.get(read.conversation, {})
        for entry in read.entries:
            known = acks.get((read.conversation, entry.seq))
            if known is None or entry.message is None:
                continue
            times, seqs = known
            earlier = bisect_left(times, asked.t)
            life = of.get(entry.seq)
            if not earlier or life is None or not life.had(entry.message):
                continue
            newest = max(seqs[:earlier])
            if life.since(entry.message) < newest:
                what = f"{entry.id} was read as it was before {newest}, which was acknowledged"
                yield what, [asked, read]


def _change_acks(history: History) -> dict[tuple[str, int], tuple[list[int], list[int]]]:
    """Per message the times and the seqs of the changes of its text, by time."""
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for sent in history.acked:
        ack = sent.acks[0]
        if sent.first.action in {"message_edited", "message_deleted"}:
            place = (ack.conversation, sent.first.target)
            found.setdefault(place, []).append((ack.t, ack.seq))
    return {
        place: ([t for t, _ in sorted(acks)], [seq for _, seq in sorted(acks)])
        for place, acks in found.items()
    }


def _told_again(history: History) -> Findings:
    """Who connects after a deletion was acknowledged is not told the text any more."""
    deletions = {
        (sent.acks[0].conversation, sent.first.target): sent.acks[0]
        for sent in history.acked
        if sent.first.action == "message_deleted"
    }
    for (client, conversation), seen in history.seen.items():
        began = history.began.get(client)
        for each in seen:
            text = each.message or (each.text if each.kind == "message_edited" else "")
            at = each.seq if each.message is not None else each.target
            ack = deletions.get((conversation, at)) if text else None
            if ack is not None and began is not None and ack.t < began:
                yield f"{each.user} was told the text of {each.id} after its deletion", [ack, each]
