"""Those who attack, in a process of their own, so that honest people are timed by a loop that is
not busy with attacks."""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe

import msgspec

from siege.attacks import reading, strangers, writing
from siege.front import Attack, Front, Target
from siege.schedule import phases
from siege.tally import Tally

__all__ = ["CATALOGUE", "Hostiles", "PhaseChange"]

CATALOGUE: dict[str, Attack] = {**reading.ATTACKS, **writing.ATTACKS, **strangers.ATTACKS}

_ENDS_WITHIN_S = 40.0


class PhaseChange(msgspec.Struct, frozen=True):
    """An attack began or paused."""

    attack: str
    event: str


class Hostiles:
    """The attackers of one siege."""

    def __init__(
        self, target: Target, attacks: Sequence[str], *, seed: int, seconds: float
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._seconds = seconds
        self._pipe, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_attack, args=(theirs, target, tuple(attacks), seed, seconds), daemon=True
        )
        self._process.start()
        theirs.close()

    def changes(self) -> list[PhaseChange]:
        """Return what has begun and paused since the last call."""
        found: list[PhaseChange] = []
        while self._pipe.poll():
            try:
                said = self._pipe.recv()
            except EOFError:
                break
            if isinstance(said, PhaseChange):
                found.append(said)
            else:
                self._tallies = said
        return found

    _tallies: dict[str, Tally] | None = None

    async def tallies(self) -> dict[str, Tally]:
        """Wait until all have given up; return what each has done. Raises RuntimeError where the
        process of the attackers has ended without a word."""
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while self._tallies is None and time.monotonic() < deadline and self._process.is_alive():
            self.changes()
            await asyncio.sleep(0.1)
        self.changes()
        self.stop()
        if self._tallies is None:
            raise RuntimeError("the attackers have ended without a word")
        return self._tallies

    def stop(self) -> None:
        """End them at once."""
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()


def _attack(pipe: Pipe, target: Target, attacks: Sequence[str], seed: int, seconds: float) -> None:
    tallies = asyncio.run(_attack_together(pipe, target, attacks, seed, seconds))
    pipe.send(tallies)


async def _attack_together(
    pipe: Pipe, target: Target, attacks: Sequence[str], seed: int, seconds: float
) -> dict[str, Tally]:
    began = time.monotonic()
    tallies: dict[str, Tally] = {}

    async def one(name: str) -> None:
        front = Front(
            target,
            random.Random(f"{name} {seed}"),
            phases(seed, name, seconds),
            began,
            lambda event: pipe.send(PhaseChange(name, event)),
        )
        tallies[name] = front.tally
        try:
            async with asyncio.timeout(seconds + _ENDS_WITHIN_S / 2):
                await CATALOGUE[name].run(front)
        except (ConnectionError, TimeoutError) as error:
            # Kept from what it needed: that is a success of the platform.
            front.tally.note(f"gave up: {error}"[:80])

    async with asyncio.TaskGroup() as tasks:
        for name in attacks:
            tasks.create_task(one(name))
    return tallies
