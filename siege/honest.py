"""Honest users: they send at a steady rate, read, and look at their conversations."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from torture.people import Person, Target
from torture.records import Recorder
from torture.sending import Draft, is_refusal
from torture.sessions import LibraryFollower

from chatterroom.client import ApiError, ClientError
from chatterroom.core.ids import new_id

__all__ = ["Honest"]

_SEND_S = 60.0
"""As long as the library tries by itself."""
_READ_S = 30.0
_RETRY_S = (0.2, 1.0)
_READ_EVERY_S = 5.0


@dataclass
class Honest:
    """One honest user. Everything sent and shown is taken down."""

    person: Person
    recorder: Recorder
    chance: random.Random
    failures: Counter[str] = field(default_factory=Counter)
    """Sends and reads that did not succeed, by reason."""
    retried: Counter[str] = field(default_factory=Counter)
    """Reads that succeeded later, by the reason of the first refusal."""
    reads: int = 0
    unanswered: int = 0
    """Sends that have begun and not ended."""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Follow the conversations among honest users; what others bring is not taken down."""
        self.targets: list[Target] = [*self.person.rooms, *self.person.friends]
        self.follower = LibraryFollower(
            self.person,
            self.recorder,
            only={target.conversation for target in self.targets},
            answer_s=_SEND_S,
        )

    async def chat(self, stop: asyncio.Event, pause_s: float) -> None:
        """Send every `pause_s`, whether or not what was sent before is answered, until told to
        stop; return when all is."""
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                tasks.create_task(self._send())
                await asyncio.sleep(pause_s * self.chance.uniform(0.5, 1.5))

    async def look(self, stop: asyncio.Event) -> None:
        """Read a history or the list of conversations every few seconds until told to stop."""
        while not stop.is_set():
            await asyncio.sleep(_READ_EVERY_S * self.chance.uniform(0.5, 1.5))
            await self._read(self.chance.choice((self._history, self._list)))

    async def _send(self) -> None:
        target = self.chance.choice(self.targets)
        text = f"{self.person.name} {next(self._numbers)}"
        draft = Draft(self.person.user_id, target, new_id(), text)
        draft.write(self.recorder, "invoke")
        self.unanswered += 1
        try:
            id_, seq = await self.follower.attempt(draft)
        except ClientError as error:
            draft.write(self.recorder, "fail" if is_refusal(error) else "info")
            self.failures[f"send: {_reason(error)}"] += 1
        else:
            draft.write(self.recorder, "ok", id=id_, seq=seq)
        # Not in a "finally": what is cancelled has had no answer.
        self.unanswered -= 1

    async def _read(self, call: Callable[[], Awaitable[object]]) -> None:
        self.reads += 1
        refused = ""
        try:
            async with asyncio.timeout(_READ_S):
                while True:
                    try:
                        await call()
                        break
                    except ClientError as error:
                        refused = refused or _reason(error)
                        await asyncio.sleep(self.chance.uniform(*_RETRY_S))
        except TimeoutError:
            self.failures[f"read: {refused or 'no answer'}"] += 1
            return
        if refused:
            self.retried[refused] += 1

    async def _history(self) -> None:
        target = self.chance.choice(self.targets)
        await self.person.client.history(
            room_id=target.room_id, receiver_id=target.receiver_id, limit=50
        )

    async def _list(self) -> None:
        async for _ in self.person.client.conversations():
            break


def _reason(error: ClientError) -> str:
    return error.code if isinstance(error, ApiError) else type(error).__name__
