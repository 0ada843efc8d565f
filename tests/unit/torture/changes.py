"""Violations of what is promised of edits, deletions and reactions, to plant in histories.

Each returns the name of the check that must find it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from torture.records import Entry, Read, Record, Recv, Send, Session

__all__ = ["PLANTED_CHANGES", "NothingToBreakError", "one_of"]

T = TypeVar("T")

replace = msgspec.structs.replace


class NothingToBreakError(Exception):
    """This history has nothing that a violation of this kind could be planted in."""


def one_of(found: Sequence[T], at: int) -> T:
    """Return one of what was found, a different one for each `at`."""
    if not found:
        raise NothingToBreakError
    return found[at % len(found)]


def kept(records: list[Record], fits: Callable[[Entry], bool], at: int) -> tuple[str, Entry]:
    """Return one stored entry that fits, and its conversation."""
    found = [
        (each.conversation, entry)
        for each in records
        if isinstance(each, Read) and each.store and each.event == "ok"
        for entry in each.entries
        if fits(entry)
    ]
    return one_of(found, at)


def put(records: list[Record], room: str, seq: int, *, only_stored: bool = False, **new) -> None:
    """Change one entry of what the database and the final reads hold."""
    for index, each in enumerate(records):
        if not isinstance(each, Read) or not each.final or each.event != "ok":
            continue
        if each.conversation == room and (each.store or not only_stored):
            entries = [replace(e, **new) if e.seq == seq else e for e in each.entries]
            records[index] = replace(each, entries=entries)


def is_deleted(entry: Entry) -> bool:
    return entry.deleted


def is_twice_edited(entry: Entry) -> bool:
    return entry.message == "twice"


def has_reactions(entry: Entry) -> bool:
    return bool(entry.reactions)


def lose_an_acked_edit(records, at):
    room, lost = kept(records, lambda entry: entry.kind == "message_edited", at)
    put(records, room, lost.seq, only_stored=True, id="other", client_id="other", kind="", text="")
    return "LOST_ACKED"


def keep_the_edit_and_lose_its_text(records, at):
    room, edited = kept(records, is_twice_edited, at)
    put(records, room, edited.seq, message=edited.client_id)
    return "STATE"


def let_the_earlier_edit_win(records, at):
    room, edited = kept(records, is_twice_edited, at)
    put(records, room, edited.seq, message="once")
    return "STATE"


def leave_a_deleted_text_readable(records, at):
    room, deleted = kept(records, is_deleted, at)
    text = next(
        each.message
        for each in records
        if isinstance(each, Send) and each.client_id == deleted.client_id
    )
    put(records, room, deleted.seq, message=text)
    return "STATE"


def leave_the_edits_of_a_deleted_text_readable(records, at):
    room, edit = kept(records, lambda entry: entry.kind == "message_edited" and not entry.text, at)
    put(records, room, edit.seq, text="once")
    return "STATE"


def forget_that_a_message_was_deleted(records, at):
    room, deleted = kept(records, is_deleted, at)
    put(records, room, deleted.seq, deleted=False)
    return "STATE"


def tell_a_deleted_text_to_a_latecomer(records, at):
    room, deleted = kept(records, is_deleted, at)
    told = next(
        each
        for each in records
        if isinstance(each, Recv)
        and (each.conversation, each.seq) == (room, deleted.seq)
        and each.message
    )
    t = records[-1].t
    records.append(Session(t=t + 1, client="late", event="start", user=told.user))
    records.append(replace(told, client="late", t=t + 2))
    records.append(Session(t=t + 3, client="late", event="stop", user=told.user))
    return "STATE"


def double_a_reaction(records, at):
    room, message = kept(records, has_reactions, at)
    put(records, room, message.seq, reactions=(*message.reactions, message.reactions[-1]))
    return "STATE"


def store_a_reaction_twice(records, at):
    room, last = kept(records, lambda entry: entry.kind == "reaction_added", at)
    for index, each in enumerate(records):
        if isinstance(each, Read) and each.store and each.event == "ok":
            seq = each.entries[-1].seq + 1
            again = replace(last, seq=seq, id=f"{room}-{seq}")
            if each.conversation == room:
                records[index] = replace(each, entries=[*each.entries, again])
    return "DUPLICATE"


def add_a_reaction_that_is_there(records, at):
    room, removed = kept(records, lambda entry: entry.kind == "reaction_removed", at)
    put(records, room, removed.seq, kind="reaction_added")
    return "STATE"


def lose_a_reaction(records, at):
    room, message = kept(records, has_reactions, at)
    put(records, room, message.seq, reactions=())
    return "STATE"


def resurrect_by_an_edit(records, at):
    """An edit that was decided before a deletion is stored behind it."""
    room, deleted = kept(records, is_deleted, at)
    put(records, room, deleted.seq, message="resurrected")
    for index, each in enumerate(records):
        if isinstance(each, Read) and each.store and each.event == "ok":
            entry = Entry(
                each.entries[-1].seq + 1,
                f"{room}-resurrected",
                deleted.sender,
                "resurrected",
                kind="message_edited",
                target=deleted.seq,
                text="resurrected",
            )
            if each.conversation == room:
                records[index] = replace(each, entries=[*each.entries, entry])
    return "STATE"


def let_somebody_else_edit(records, at):
    room, edit = kept(records, lambda entry: entry.kind == "message_edited", at)
    put(records, room, edit.seq, sender="stranger")
    return "STATE"


def read_a_text_from_before_an_acked_edit(records, at):
    """In a read of its own, asked for when the edit was acknowledged."""
    room, edited = kept(records, is_twice_edited, at)
    t = records[-1].t
    asked = {"client": "user0", "op": "late", "user": "user0", "conversation": room, "low": 10**6}
    records.append(Read(t=t + 1, event="invoke", **asked))
    old = [replace(edited, message="once")]
    records.append(Read(t=t + 2, event="ok", entries=old, **asked))
    return "STATE"


def store_another_emoji(records, at):
    room, reaction = kept(records, lambda entry: entry.kind == "reaction_added", at)
    put(records, room, reaction.seq, text="🙈")
    return "PHANTOM"


def show_another_text_of_an_edit(records, at):
    edits = [
        index
        for index, each in enumerate(records)
        if isinstance(each, Recv) and each.kind == "message_edited"
    ]
    index = one_of(edits, at)
    records[index] = replace(records[index], text="never written")
    return "PHANTOM"


PLANTED_CHANGES = [
    lose_an_acked_edit,
    keep_the_edit_and_lose_its_text,
    let_the_earlier_edit_win,
    leave_a_deleted_text_readable,
    leave_the_edits_of_a_deleted_text_readable,
    forget_that_a_message_was_deleted,
    tell_a_deleted_text_to_a_latecomer,
    double_a_reaction,
    store_a_reaction_twice,
    add_a_reaction_that_is_there,
    lose_a_reaction,
    resurrect_by_an_edit,
    let_somebody_else_edit,
    read_a_text_from_before_an_acked_edit,
    store_another_emoji,
    show_another_text_of_an_edit,
]
