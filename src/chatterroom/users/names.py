"""Which names users may have, and which names look alike. No I/O.

Usernames are identifiers of UTS 39 (highly restrictive), display names nicknames of RFC 8266. The
tables of UTS 39 are in `unicode_security.json`; `scripts/update_unicode_security.py` makes them.
The rules are tried with the vectors of `tests/conformance/names.json`.
"""

import json
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regex

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.readable_names import readable_name

__all__ = [
    "DELETED_USERNAME",
    "TABLES_VERSION",
    "folded",
    "parse_display_name",
    "parse_username",
    "skeletons",
    "username_key",
]

DELETED_USERNAME = "deleted user"

_USERNAME_CHARACTERS = (3, 32)
_DISPLAY_NAME_CHARACTERS = 64
# What the product itself calls people.
_RESERVED = (DELETED_USERNAME, "deleted account", "unknown user", "chatterroom")

# Letters, marks and digits of words (UAX 31), and what joins them.
_USERNAME = regex.compile(r"(?![\p{M}])[\p{XID_Continue}._-]+")
_LETTER_OR_DIGIT = regex.compile(r"[\p{L}\p{Nd}]")
# UTS 39, section 5.4: marks that pile up, or hide each other.
_PILED_MARKS = regex.compile(r"\p{Mn}{5}|(\p{Mn})\1")
# In these scripts two letters are a whole name.
_DENSE_SCRIPTS = frozenset({"Hani", "Hira", "Kana", "Hang"})
# Scripts that are written together (UTS 39, section 5.1), and with Latin (5.2).
_TOGETHER = {
    "Hanb": frozenset({"Hani", "Bopo"}),
    "Jpan": frozenset({"Hani", "Hira", "Kana"}),
    "Kore": frozenset({"Hani", "Hang"}),
}

_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")


def parse_username(text: str) -> str:
    """Return the username in its normal form (NFKC), or raise INVALID_REQUEST.

    3 to 32 letters, digits, `_`, `.` and `-`, two suffice in Chinese, Japanese and Korean; at least
    one of them a letter or digit; of one script, or of scripts that are written together.
    """
    fewest, most = _USERNAME_CHARACTERS
    # Normalising may shorten a text, but never to an eighth.
    username = unicodedata.normalize("NFKC", text) if len(text) <= most * 8 else ""
    if _USERNAME.fullmatch(username) and _LETTER_OR_DIGIT.search(username):
        scripts = [_scripts(character) for character in username]
        dense = all(each & _DENSE_SCRIPTS for each in scripts if each)
        fewest = 2 if dense and any(scripts) else fewest
        if (
            fewest <= len(username) <= most
            # Other versions of Python know fewer characters, and must agree on keys.
            and all(unicodedata.category(character) != "Cn" for character in username)
            and all(map(_is_allowed, username))
            and _is_highly_restrictive(scripts)
            and not _PILED_MARKS.search(unicodedata.normalize("NFD", username))
            and len(_digit_systems(username)) <= 1
            and not _is_reserved(username)
        ):
            return username
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        f"Use {_USERNAME_CHARACTERS[0]} to {most} letters, digits, '_', '.' or '-' of one script.",
        field="username",
    )


def username_key(username: str) -> str:
    """Return what two usernames share that differ in case or form only."""
    return folded(username)


def folded(text: str) -> str:
    """Return a text without its case, in its normal form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def skeletons(name: str) -> list[str]:
    """Return what names share that look alike, as they are written or in lower case.

    Two names look alike if they share one of theirs. Not for people to see.
    """
    written = _skeleton(name).casefold()
    return sorted({_skeleton(written), _skeleton(username_key(name))})


def parse_display_name(text: str) -> str:
    """Return the name in its normal form (NFC, single spaces), or raise INVALID_REQUEST.

    At most 64 characters that `readable_name` takes. Nothing at all means no name.
    """
    if not text:
        return ""
    name = readable_name(text, _DISPLAY_NAME_CHARACTERS)
    if name is not None and not _is_reserved(name):
        return name
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        f"Use at most {_DISPLAY_NAME_CHARACTERS} visible characters, and not the name of a "
        "deleted user.",
        field="display_name",
    )


def _is_reserved(name: str) -> bool:
    """Say whether a name passes for one of the product's own, spaces and signs aside."""
    letters = regex.sub(r"[^\p{L}\p{M}\p{N}]", "", name)
    return not _reserved_skeletons().isdisjoint(skeletons(letters))


@cache
def _reserved_skeletons() -> frozenset[str]:
    return frozenset(
        skeleton for name in _RESERVED for skeleton in skeletons(name.replace(" ", ""))
    )


def _skeleton(text: str) -> str:
    """UTS 39, section 4."""
    seen = _IGNORABLE.sub("", unicodedata.normalize("NFD", text))
    prototypes = _tables().prototypes
    mapped = "".join(prototypes.get(character, character) for character in seen)
    return unicodedata.normalize("NFD", mapped)


def _is_allowed(character: str) -> bool:
    return _tables().find(character) is not None


def _scripts(character: str) -> frozenset[str]:
    """Return the scripts of a character; none means that it goes with all."""
    found = _tables().find(character) or frozenset()
    return found - {"Zyyy", "Zinh"}


def _is_highly_restrictive(scripts: Iterable[frozenset[str]]) -> bool:
    """UTS 39, section 5.2, of characters that are allowed: one script, or Latin with one group."""
    augmented = [_augmented(each) for each in scripts if each]
    if not augmented or frozenset.intersection(*augmented):
        return True
    besides_latin = [each for each in augmented if "Latn" not in each]
    return not _TOGETHER.keys().isdisjoint(frozenset.intersection(*besides_latin))


def _augmented(scripts: frozenset[str]) -> frozenset[str]:
    return scripts | {name for name, members in _TOGETHER.items() if members & scripts}


def _digit_systems(text: str) -> set[int]:
    """Return the zeros of the digits in a text (UTS 39, section 5.3)."""
    return {
        ord(character) - unicodedata.decimal(character)
        for character in text
        if unicodedata.category(character) == "Nd"
    }


@dataclass(frozen=True)
class _Tables:
    version: str
    firsts: list[int]
    runs: list[tuple[int, frozenset[str]]]
    prototypes: dict[str, str]

    def find(self, character: str) -> frozenset[str] | None:
        """Return the scripts of a character that identifiers may hold, else None."""
        place = bisect_right(self.firsts, ord(character)) - 1
        if place < 0:
            return None
        last, scripts = self.runs[place]
        return scripts if ord(character) <= last else None


@cache
def _tables() -> _Tables:
    path = Path(__file__).parent / "unicode_security.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    runs = content["allowed"]
    return _Tables(
        content["unicode"],
        [first for first, _, _ in runs],
        [(last, frozenset(scripts.split())) for _, last, scripts in runs],
        content["prototypes"],
    )


TABLES_VERSION = _tables().version
"""Skeletons of another version may differ."""
