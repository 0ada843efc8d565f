"""Which entries a session lets through, and where it resumes. Pure.

Inside a conversation only the entry after the last one counts. Outside, before the user came in
or after the user left, entries are passed over until one brings the user in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from chatterroom.client.events import (
    Entry,
    Head,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    RoomCreated,
    Unknown,
)
from chatterroom.core.ids import ConversationId, is_private

__all__ = ["Inbox", "Opening", "Verdict"]

# So many names stay well below the longest message that a server takes.
MAX_NAMED = 1_000

_DEPARTURES = (MemberLeft, MemberRemoved)


class Verdict(Enum):
    """What is to be done with an entry."""

    NEXT = auto()
    """It is the one that was expected: pass it on."""
    DROP = auto()
    """It was seen before, or is from when the user was not in the conversation."""
    HOLE = auto()
    """Something before it is missing: resume."""


@dataclass(slots=True)
class _Place:
    seq: int
    inside: bool


@dataclass(frozen=True)
class Opening:
    """What follows from a `ready`."""

    resume: dict[str, int]
    """What to name in `resume`; those up to date need no mention."""
    is_complete: bool
    """Whether `resume` names all that lag behind; else connect again when it is done."""
    started: dict[str, int]
    """Conversations that begin now, after these seqs."""
    gone: list[str] = field(default_factory=list)
    """Conversations that have just turned out to have gone."""


class Inbox:
    """The place of one user in each conversation.

    With `cursors`, conversations that they name go on from there, and others have appeared since
    then: they begin with the entry that brought the user in. Without, those that exist when the
    first socket opens begin with what happens after that.
    """

    def __init__(self, user_id: str, cursors: Mapping[str, int] | None) -> None:
        self._user_id = user_id
        self._starts_now = cursors is None
        self._places = {id_: _Place(seq, inside=True) for id_, seq in (cursors or {}).items()}
        self._gone: set[str] = set()
        self._resuming: set[str] = set()
        """Conversations that were resumed, and of which nothing has come yet."""

    def open(self, heads: Iterable[Head]) -> Opening:
        """Take note of the conversations that a new socket carries."""
        listed = {head.conversation_id: head for head in heads}
        started: dict[str, int] = {}
        if self._starts_now:
            self._starts_now = False
            started = {id_: head.seq for id_, head in listed.items()}
            self._places |= {id_: _Place(seq, inside=True) for id_, seq in started.items()}
        lagging: dict[str, int] = {}
        for id_, head in listed.items():
            place = self._place(id_)
            if not place.inside:
                place.seq = max(place.seq, head.joined_seq - 1)
            if place.seq < head.seq:
                lagging[id_] = place.seq
        self._gone &= self._places.keys() - listed.keys()
        gone = [
            id_
            for id_, place in self._places.items()
            if place.inside and id_ not in listed and id_ not in self._gone
        ]
        self._gone.update(gone)
        named = dict(list(lagging.items())[:MAX_NAMED])
        self._resuming = set(named)
        return Opening(named, len(named) == len(lagging), started, gone)

    def take(self, entry: Entry | Unknown) -> Verdict:
        """Decide on an entry, and remember it where it is let through."""
        conversation_id, seq = entry.conversation_id, entry.seq
        if conversation_id is None or seq is None:
            raise ValueError("Only entries have a position.")
        place = self._place(conversation_id)
        is_first = conversation_id in self._resuming
        self._resuming.discard(conversation_id)
        if seq <= place.seq:
            # The server counts the user in from an entry that was seen: what follows is due.
            place.inside = place.inside or self._brings_in(entry)
            return Verdict.DROP
        if place.inside:
            # Where rooms hide their past from newcomers, how one left and what came until one was
            # added again cannot be had any more.
            hidden = is_first and isinstance(entry, MemberAdded) and entry.user_id == self._user_id
            if seq != place.seq + 1 and not hidden:
                return Verdict.HOLE
        elif not self._brings_in(entry):
            if seq != place.seq + 1:
                return Verdict.HOLE
            place.seq = seq
            return Verdict.DROP
        place.seq = seq
        place.inside = not self._ends(entry)
        self._gone.discard(conversation_id)
        return Verdict.NEXT

    def _place(self, conversation_id: str) -> _Place:
        place = self._places.get(conversation_id)
        if place is None:
            # A private chat has nobody coming or going.
            inside = is_private(ConversationId(conversation_id))
            place = self._places[conversation_id] = _Place(0, inside)
        return place

    def _ends(self, entry: Entry | Unknown) -> bool:
        return isinstance(entry, _DEPARTURES) and entry.user_id == self._user_id

    def _brings_in(self, entry: Entry | Unknown) -> bool:
        """Say whether the user takes part from this entry on, of whatever type it is."""
        return not isinstance(entry, _DEPARTURES) and self._user_id in _people(entry)


def _people(entry: Entry | Unknown) -> list[str]:
    """Return who acts in an entry, and who is added by it."""
    match entry:
        case Unknown(fields=fields):
            members_ids = fields.get("members_ids")
            listed = members_ids if isinstance(members_ids, list) else []
            return [fields.get("sender_id", ""), fields.get("user_id", ""), *listed]
        case RoomCreated():
            return [entry.sender_id, *entry.members_ids]
        case MemberAdded():
            return [entry.sender_id, entry.user_id]
        case _:
            return [entry.sender_id]
