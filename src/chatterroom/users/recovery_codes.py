"""Codes that stand in for a lost second factor, each once. No I/O."""

import secrets
from hashlib import sha256

__all__ = ["new_recovery_codes", "recovery_code_hash"]

_CODES = 10
_CHARACTERS = 16
_GROUP = 4
# Without letters that look like digits.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_recovery_codes() -> list[str]:
    """Return ten codes of 80 random bits, as people read them: `4f7k-…-…-…`."""
    return [_new_code() for _ in range(_CODES)]


def recovery_code_hash(text: str) -> str:
    """Return what is stored of a code; case, spaces and hyphens do not matter.

    Codes are random and long, so that a plain fast hash keeps them.
    """
    # What is longer is no code, and hashing it has a price.
    kept = "".join(filter(str.isalnum, text[: 4 * _CHARACTERS].casefold()))
    return sha256(kept.encode()).hexdigest()


def _new_code() -> str:
    characters = "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))
    groups = range(0, _CHARACTERS, _GROUP)
    return "-".join(characters[start : start + _GROUP] for start in groups)
