"""What became of each message: its texts, its deletion, its reactions, as a log adds up. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torture.records import Entry

__all__ = ["Life", "lives"]


@dataclass(slots=True)
class Life:
    """One message, from its entry on through all that changed it."""

    texts: list[tuple[int, str]]
    """Every text it had, with the seq since when."""
    deleted: int = 0
    """The seq of its deletion."""
    reactions: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """How it reads in the end."""
        return "" if self.deleted else self.texts[-1][1]

    def had(self, text: str) -> bool:
        """Say whether this was ever its text."""
        return (not text and bool(self.deleted)) or any(text == each for _, each in self.texts)

    def since(self, text: str) -> int:
        """Return the seq that gave it this text."""
        if not text and self.deleted:
            return self.deleted
        return max((seq for seq, each in self.texts if each == text), default=0)


def lives(at: Mapping[int, Entry], asked: Mapping[str, str]) -> dict[int, Life]:
    """Add up the entries of a log, by their seqs.

    `asked` has the text that a request came with: what an entry holds may have changed since.
    """
    of: dict[int, Life] = {}
    for seq, entry in sorted(at.items()):
        if entry.message is not None:
            of[seq] = Life([(seq, asked.get(entry.client_id, entry.message))])
        elif (life := of.get(entry.target)) is not None:
            text = asked.get(entry.client_id, entry.text)
            match entry.kind:
                case "message_edited":
                    life.texts.append((seq, text))
                case "message_deleted":
                    life.deleted = seq
                    life.reactions.clear()
                case "reaction_added":
                    life.reactions.add(f"{entry.text} {entry.sender}")
                case _:
                    life.reactions.discard(f"{entry.text} {entry.sender}")
    return of
