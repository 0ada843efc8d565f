"""Honest people under siege: they chat through the client library, and everything is taken down."""

import asyncio
import contextlib
import random
from pathlib import Path

from torture.clients import Habits, Talker, read_all
from torture.database import stored_entries
from torture.people import People, Person, Target
from torture.recent import Recent
from torture.records import Read, Recorder
from torture.sessions import LibraryFollower

__all__ = ["Honest"]

_FINAL_READ_S = 120.0
_READERS = 4
_VIEWS_S = 20.0
_TICK_S = 0.2
_HABITS = Habits(
    pause_s=0.4,
    deeds=(("say", 40), ("post", 25), ("whisper", 25), ("burst", 5), ("edit", 10), ("react", 10)),
)


class Honest:
    """Everybody who only wants to chat."""

    def __init__(self, people: People, histories: Path, seed: int) -> None:
        self._people = people
        self._histories = histories
        self._records = contextlib.ExitStack()
        self.record = self._recorder("siege")
        self._stop = asyncio.Event()
        self._talking: list[asyncio.Task[None]] = []
        self._following: list[asyncio.Task[None]] = []
        recent = Recent()
        self.talkers = []
        for person in people.everybody:
            recorder = self._recorder(person.name)
            self.talkers.append(
                Talker(
                    person,
                    # Hostile people bring honest ones into rooms of theirs: those are not judged.
                    LibraryFollower(person, recorder, only=_conversations(person)),
                    recorder,
                    random.Random(f"{person.name} {seed}"),
                    _HABITS,
                    recent,
                )
            )

    @property
    def acked(self) -> int:
        """How many of their messages and changes have been acknowledged."""
        return sum(talker.recorder.acked for talker in self.talkers)

    def start(self) -> None:
        """Let everybody follow, and talk."""
        self._following = [asyncio.create_task(each.follower.run()) for each in self.talkers]
        self._talking = [asyncio.create_task(each.run(self._stop)) for each in self.talkers]

    async def finish(self, timeout_s: float) -> int:
        """Let everybody finish what was begun; return how many could not in time."""
        self._stop.set()
        _, late = await asyncio.wait(self._talking, timeout=timeout_s)
        await _end(list(late))
        return len(late)

    async def read_everything(self, mongo_url: str) -> None:
        """Read all that is stored, from the database and as each of them."""
        conversations = {t.conversation for each in self.talkers for t in _targets(each)}
        logs = await stored_entries(mongo_url, conversations)
        heads = {}
        for conversation, entries in logs.items():
            asked = {"op": conversation, "user": "", "conversation": conversation}
            what = {**asked, "final": True, "store": True}
            self.record.write(Read, event="invoke", **what)
            self.record.write(Read, event="ok", entries=entries, **what)
            heads[conversation] = entries[-1].seq
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_VIEWS_S):
                while not all(_has_seen(each, heads) for each in self.talkers):  # noqa: ASYNC110
                    await asyncio.sleep(_TICK_S)
        gate = asyncio.Semaphore(_READERS)

        async def read(talker: Talker, target: Target) -> None:
            async with gate:
                await read_all(talker.person, target, talker.recorder, _FINAL_READ_S)

        await asyncio.gather(*(read(each, t) for each in self.talkers for t in _targets(each)))

    async def close(self) -> None:
        """End every session and connection."""
        await _end([*self._talking, *self._following])
        await asyncio.gather(*(person.client.close() for person in self._people.everybody))
        self._records.close()

    def _recorder(self, client: str) -> Recorder:
        return self._records.enter_context(Recorder(self._histories, client))


def _targets(talker: Talker) -> list[Target]:
    return [*talker.person.rooms, *talker.person.friends]


def _conversations(person: Person) -> frozenset[str]:
    return frozenset(target.conversation for target in (*person.rooms, *person.friends))


def _has_seen(talker: Talker, heads: dict[str, int]) -> bool:
    cursors = talker.follower.cursors
    return all(
        cursors.get(target.conversation, 0) >= heads.get(target.conversation, 0)
        for target in _targets(talker)
    )


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
