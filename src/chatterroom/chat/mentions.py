"""Which names a text may mention. Pure; the web client finds them by the same rule.

A mention is an `@` and a name, in text that is read as text: not in code, addresses or links, and
not behind a backslash. Scripts that are written without spaces may touch it on either side. Which
of the candidates is a name, the caller knows; `tests/conformance/mentions.json` holds the rule.
"""

import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence

import regex
from linkify_it import LinkifyIt

__all__ = ["MAX_MENTIONS", "candidates", "chosen", "folded", "mentioned_names"]

MAX_MENTIONS = 50
"""In one text; those behind them are text."""
_MAX_CANDIDATES = 300
_LONGEST_NAME = 64
# Between other letters of its script a name is never longer than this.
_LONGEST_WITHIN = 16
# Finding addresses takes the square of the length: of a whole message, up to half a second.
_SEARCHED_AT_ONCE = 500

_WITHOUT_SPACES = (
    r"\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}"
)
_MENTION = regex.compile(
    rf"(?:(?<=[{_WITHOUT_SPACES}])|(?<![\p{{L}}\p{{N}}.+@/\\-])(?<![\p{{L}}\p{{N}}]_+))"
    r"@([\p{L}\p{N}][\p{L}\p{M}\p{N}_.-]*+)(?![@/][\p{L}\p{N}])"
)
_NAME_ENDS = regex.compile(rf"[._-]*(?:$|[{_WITHOUT_SPACES}])")
_BACKTICKS = regex.compile("`+")
_FENCE = regex.compile(r"(?m)^[ >]*(`{3,})([^`\n]*)\n")
_LINK = regex.compile(r"\[[^\[\]\n]*\]\((?:https?://|mailto:)[^()\s]*\)")
# Marks that no address holds unless encoded: 。 and 」 end one.
_ENDS_ADDRESS = regex.compile(r"(?V1)[\p{P}--[!-~]]")

_linkify = LinkifyIt()


def candidates(text: str) -> list[list[str]]:
    """Return, for each mention in order, the folded names that it may be of, longest first.

    At most 50 mentions, and 300 names in all.
    """
    if "@" not in text:
        return []
    found: list[list[str]] = []
    left = _MAX_CANDIDATES
    for run in _runs(text):
        names = list(_names_in(run))[:left]
        left -= len(names)
        if not names or len(found) == MAX_MENTIONS:
            break
        found.append(names)
    return found


def mentioned_names(text: str, names: Container[str]) -> list[str]:
    """Return those of the folded `names` that a text mentions, each once, in order."""
    return chosen(candidates(text), names)


def chosen(possible: Iterable[Sequence[str]], names: Container[str]) -> list[str]:
    """Return, of what `candidates` has found, those that are `names`, each once, in order."""
    mentioned = (next((name for name in each if name in names), None) for each in possible)
    return list(dict.fromkeys(name for name in mentioned if name is not None))


def folded(name: str) -> str:
    """Return what spellings of one name share, whatever their case and form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _runs(text: str) -> Iterator[str]:
    """Yield what follows each `@` that may begin a mention."""
    plain = _LINK.sub(" ", _without_code(text))
    if "://" in plain or "." in plain:
        plain = "".join(
            _without_addresses(piece) if "@" in piece else piece for piece in _pieces(plain)
        )
    for match in _MENTION.finditer(plain):
        yield match.group(1)[:_LONGEST_NAME]


def _names_in(run: str) -> Iterator[str]:
    for end in range(len(run), 0, -1):
        is_within = not _NAME_ENDS.fullmatch(run, end) and end > _LONGEST_WITHIN
        if not is_within and _NAME_ENDS.match(run, end):
            yield folded(run[:end])


def _without_code(text: str) -> str:
    """Cut out what stands between two equally long rows of backticks, and an open block of code."""
    if "`" not in text:
        return text
    rows = list(_BACKTICKS.finditer(text))
    closing: dict[int, list[int]] = {}
    for index in range(len(rows) - 1, -1, -1):
        closing.setdefault(len(rows[index].group()), []).append(index)
    kept: list[str] = []
    at = index = 0
    while index < len(rows):
        row = rows[index]
        later = closing[len(row.group())]
        while later and later[-1] <= index:
            later.pop()
        if later:
            kept.append(text[at : row.start()])
            index = later[-1]
            at = rows[index].end()
        elif _opens_block(text, row.start()):
            kept.append(text[at : row.start()])
            return " ".join(kept)
        index += 1
    return " ".join([*kept, text[at:]])


def _opens_block(text: str, at: int) -> bool:
    """Say whether a fence that nothing ends begins here: a language at most, with code below."""
    fence = _FENCE.match(text, text.rfind("\n", 0, at) + 1)
    if fence is None or fence.start(1) != at or not text[fence.end() :].strip():
        return False
    info = fence.group(2).strip()
    return info == "" or regex.fullmatch(r"[\w+#.-]{1,32}", info) is not None


def _pieces(text: str) -> Iterator[str]:
    """Cut a text between words, or within what is too long to be one.

    An address that is cut in two is taken for one only up to there.
    """
    at = 0
    while len(text) - at > _SEARCHED_AT_ONCE:
        limit = at + _SEARCHED_AT_ONCE
        space = max(text.rfind(" ", at, limit), text.rfind("\n", at, limit))
        end = limit if space < 0 else space + 1
        yield text[at:end]
        at = end
    yield text[at:]


def _without_addresses(text: str) -> str:
    kept: list[str] = []
    at = 0
    for match in _linkify.match(text) or ():
        kept.append(text[at : match.index])
        ending = _ENDS_ADDRESS.search(text, match.index, match.last_index)
        at = ending.start() if ending else match.last_index
    return "/".join([*kept, text[at:]])
