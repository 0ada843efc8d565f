"""Passwords as argon2id hashes, made off the loop, few at a time."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from chatterroom.users.hashing_turns import Asker, HashingTurns

__all__ = ["Passwords"]

Result = TypeVar("Result")

# OWASP's password storage cheat sheet, argon2id: 19 MiB, two passes, one lane.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Passwords:
    """Hashes and verifies passwords, at most `concurrency` at a time.

    Raises OVERLOADED for whoever would have to wait too long for a turn.
    """

    def __init__(self, concurrency: int) -> None:
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="passwords")
        self._turns = HashingTurns(concurrency)
        # What is verified for accounts that do not exist, so that they take as long as others.
        self._nobodys_hash = _HASHER.hash(secrets.token_bytes(16))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: bytes, asker: Asker) -> str:
        """Return a salted hash that says how it was made."""
        return await self._in_turn(asker, lambda: _HASHER.hash(password))

    async def matches(self, password_hash: str | None, password: bytes, asker: Asker) -> bool:
        """Say whether a hash was made of this password; never for None, in the same time."""
        return await self._in_turn(
            asker,
            lambda: (
                _matches(password_hash or self._nobodys_hash, password)
                and password_hash is not None
            ),
        )

    def is_outdated(self, password_hash: str) -> bool:
        """Say whether a hash was made in another way than one would be made today."""
        return _HASHER.check_needs_rehash(password_hash)

    async def _in_turn(self, asker: Asker, work: Callable[[], Result]) -> Result:
        async with self._turns.of(asker):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _matches(password_hash: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
