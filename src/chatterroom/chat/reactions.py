"""What a reaction may be, and its one spelling. Pure; the web client has the same rule.

A reaction is an emoji, or a `:short_name:`. An emoji is a flag, a keycap, or pictographs joined as
UTS 51 joins them, so emoji that are newer than this program are taken, too. Its spelling is the
fully-qualified one. `tests/conformance/reactions.json` holds the rule.
"""

from collections.abc import Sequence

import regex

from chatterroom.chat.entries import Reaction
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId

__all__ = [
    "MAX_REACTION_CHARACTERS",
    "no_reaction",
    "normalised",
    "parse_reaction",
    "spelling_of",
    "stored_reaction",
]

MAX_REACTION_CHARACTERS = 32

_SHORT_NAME = regex.compile(r":[a-z0-9_+-]+:")
_VARIATION_SELECTORS = regex.compile("[\ufe0e\ufe0f]")
_PICTOGRAPH = r"\p{Extended_Pictographic}\p{Emoji_Modifier}?"
_EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}"
    "|[0-9#*]\u20e3"
    "|\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
    f"|{_PICTOGRAPH}(?:\u200d{_PICTOGRAPH})*"
)
# Shown as text unless a selector follows (ED-18 of UTS 51).
_TEXT_BY_DEFAULT = regex.compile(
    r"(?V1)([\p{Emoji}--\p{Emoji_Presentation}])(?!\p{Emoji_Modifier})"
)


def normalised(reaction: str) -> str | None:
    """Return the one spelling of a reaction, or None for what is none."""
    if len(reaction) > MAX_REACTION_CHARACTERS:
        return None
    if _SHORT_NAME.fullmatch(reaction):
        return reaction
    bare = _VARIATION_SELECTORS.sub("", reaction)
    if not _EMOJI.fullmatch(bare):
        return None
    emoji: str = _TEXT_BY_DEFAULT.sub("\\1\ufe0f", bare)
    return emoji


def parse_reaction(reaction: str) -> str:
    """Return the one spelling of a reaction, or raise INVALID_REQUEST."""
    emoji = normalised(reaction)
    if emoji is None:
        raise no_reaction()
    return emoji


def no_reaction() -> ChatterRoomError:
    """Return the error for what is no reaction."""
    return ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        "A reaction is one emoji, or a short name like :party_parrot: "
        f"of at most {MAX_REACTION_CHARACTERS} characters.",
        field="emoji",
    )


def spelling_of(emoji: str, reactions: Sequence[Reaction]) -> str:
    """Return how a message spells a reaction already: earlier versions kept what they were sent."""
    return next(
        (each.emoji for each in reactions if _is_same(each.emoji, emoji)),
        emoji,
    )


def stored_reaction(emoji: str, user_id: UserId, reactions: Sequence[Reaction]) -> Reaction | None:
    """Return a user's reaction to a message, however it is spelled there, or None."""
    own = [each for each in reactions if each.user_id == user_id]
    exact = [each for each in own if each.emoji == emoji]
    return next(iter(exact or [each for each in own if _is_same(each.emoji, emoji)]), None)


def _is_same(stored: str, emoji: str) -> bool:
    return stored == emoji or (normalised(stored) or stored) == (normalised(emoji) or emoji)
