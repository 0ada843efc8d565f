"""What may be in a name that people read: a display name or the name of a room. No I/O.

Names are nicknames of RFC 8266; `tests/conformance/names.json` holds the rule.
"""

import unicodedata

import regex

__all__ = ["readable_name"]

_SPACES = regex.compile(r"\p{Zs}+")
# A flag of a region (UTS 51, section C.1), the one place for tags.
_FLAG = regex.compile(r"\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
# What joins letters or emoji, or chooses their form: behind one of them, and once.
_JOINERS = regex.compile(
    r"(?<=[\p{L}\p{M}\p{N}\p{S}])(?:\p{Variation_Selector}\p{Join_Control}?|\p{Join_Control})"
)
# Controls, what is not assigned, private or half a character, ends of lines, and the invisible.
_NEVER_SHOWN = regex.compile(r"[\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{DI}\p{Cf}]")
# The blank pattern of Braille is a symbol that shows nothing.
_VISIBLE = regex.compile(r"(?!\u2800)[\p{L}\p{N}\p{P}\p{S}]")


def readable_name(text: str, max_characters: int) -> str | None:
    """Return the name in its normal form (NFC, single spaces), or None for what may not be one.

    It has at least one visible character, and at most `max_characters`; nothing invisible but what
    joins letters or emoji; nothing that turns the direction of writing.
    """
    # Normalising changes lengths, but never so much.
    cut = unicodedata.normalize("NFC", text[: 8 * max_characters])
    name = _SPACES.sub(" ", cut).strip(" ")
    shown = _JOINERS.sub("", _FLAG.sub("\U0001f3f4", name))
    if (
        1 <= len(name) <= max_characters
        and not _NEVER_SHOWN.search(shown)
        and _VISIBLE.search(shown)
    ):
        return name
    return None
