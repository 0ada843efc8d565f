"""Where in a log a message stands, found by its number among the messages.

Between two messages there may be any number of other entries. Instead of reading through them, the
place is searched for: both numbers grow with each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chatterroom.core.ids import ConversationId, message_id, place_of

__all__ = ["Span", "seqs_of_messages"]

_PROBES = 15


@dataclass(frozen=True, slots=True)
class Span:
    """Where to look for the message `message_index`: above the seq `above`, up to `upto`, an entry
    that counts that many messages or more."""

    message_index: int
    above: int
    upto: int


async def seqs_of_messages(
    entries: Any, spans: Mapping[ConversationId, Span]
) -> dict[ConversationId, int]:
    """Return the seqs of one message of each conversation, in a few reads for all."""
    found: dict[ConversationId, int] = {}
    open_ = dict(spans)
    while open_:
        probes = [message_id(id_, seq) for id_, span in open_.items() for seq in _probes(span)]
        indexes: dict[ConversationId, dict[int, int]] = {}
        if probes:
            cursor = entries.find(
                {"_id": {"$in": probes}}, {"message_index": 1}, batch_size=len(probes) + 1
            )
            async for document in cursor:
                id_, seq = place_of(document["_id"])
                indexes.setdefault(id_, {})[seq] = document["message_index"]
        for id_, span in tuple(open_.items()):
            narrowed = _narrowed(span, indexes.get(id_, {}))
            if narrowed == span or narrowed.upto == narrowed.above + 1:
                found[id_] = narrowed.upto
                del open_[id_]
            else:
                open_[id_] = narrowed
    return found


def _probes(span: Span) -> Iterator[int]:
    step = max(1, (span.upto - span.above) // (_PROBES + 1))
    return iter(range(span.above + step, span.upto, step))


def _narrowed(span: Span, indexes: Mapping[int, int]) -> Span:
    below = [seq for seq, index in indexes.items() if index < span.message_index]
    reached = [seq for seq, index in indexes.items() if index >= span.message_index]
    return Span(span.message_index, max([span.above, *below]), min([span.upto, *reached]))
