"""Message texts: 128 random ASCII bytes that begin with who sent it and which of theirs it is."""

import random
import string

__all__ = ["TEXT_BYTES", "Texts", "mark_in"]

TEXT_BYTES = 128
# "<" is in no id and in no field of any protocol measured here, but at the start of a text.
_MARK = "<%06d.%08d>"
_MARK_BYTES = 17
_ALPHABET = (string.ascii_letters + string.digits + " .,-").encode()
_FILLINGS = 64


class Texts:
    """Makes texts; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self._fillings = [
            bytes(chance.choices(_ALPHABET, k=TEXT_BYTES - _MARK_BYTES))
            .decode()
            .replace("  ", "xy")
            for _ in range(_FILLINGS)
        ]

    def text(self, sender: int, number: int) -> str:
        """Return the text of a sender's `number`-th message."""
        return _MARK % (sender, number) + self._fillings[number % _FILLINGS]


def mark_in(frame: bytes) -> tuple[int, int] | None:
    """Return sender and number of the text in a frame, or None where there is none."""
    at = frame.find(b"<")
    if at < 0:
        return None
    mark = frame[at : at + _MARK_BYTES]
    if len(mark) < _MARK_BYTES or mark[7:8] != b"." or mark[16:] != b">":
        return None
    return int(mark[1:7]), int(mark[8:16])
