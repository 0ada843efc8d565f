"""One run: start, load, faults, heal, read everything back, judge. Prints nothing."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from chatterroom.core.ids import new_id
from torture.checker import LIVENESS_S, Verdict, check
from torture.clients import Habits, Talker, read_all, wander
from torture.database import stored_entries
from torture.faults import Injector
from torture.latecomers import tell_everything
from torture.people import People, Person, Target, settle
from torture.platform import Platform
from torture.recent import Recent
from torture.records import Died, Healed, Read, Recorder, Send, load
from torture.schedule import HONEST, Mix, plan
from torture.sessions import BareFollower, Follower, LibraryFollower
from torture.timing import Recovery, recoveries

__all__ = ["Options", "Progress", "Result", "run"]

_TICK_S = 0.5
_ANSWERS_S = 20.0
_FINAL_READ_S = 1200.0
_LATECOMERS_S = 60.0
_READERS = 4
_LATE_SENDS_S = 4.0


@dataclass(frozen=True)
class Options:
    """What a run is made of. The same seed makes the same people, plans and faults."""

    directory: Path
    """Gets the histories, the result and the logs."""
    seconds: float
    seed: int
    chat: int = 2
    users: int = 2
    people: int = 24
    rooms: int = 6
    wanderers: int = 3
    mongods: int = 1
    mutant: str | None = None
    mix: Mix = HONEST
    habits: Habits = field(default_factory=Habits)
    required_acks: int = 1_000

    @property
    def histories(self) -> Path:
        """Where the records are."""
        return self.directory / "history"


@dataclass(frozen=True)
class Progress:
    """Where a run is."""

    phase: str
    elapsed_s: float = 0.0
    acked: int = 0
    faults: int = 0
    reconnects: int = 0
    latest_fault: str = ""


class Result(msgspec.Struct, frozen=True):
    """What came out of a run."""

    seed: int
    seconds: float
    chat: int
    users: int
    people: int
    rooms: int
    mongods: int
    mutant: str | None
    verdict: Verdict
    faults: dict[str, int]
    recoveries: list[Recovery]
    reconnects: int
    deliveries: int
    deeds: dict[str, int]
    changes: dict[str, int]
    """Acknowledged, by kind; among the `acked` of the verdict."""


async def run(options: Options, tell: Callable[[Progress], None]) -> Result:
    """Run, and leave nothing behind but files. `tell` hears how it goes."""
    options.histories.mkdir(parents=True)
    platform = Platform(
        options.directory / "platform",
        users=options.users,
        chat=options.chat,
        seed=options.seed,
        mutant=options.mutant,
        mongods=options.mongods,
    )
    tell(Progress("starting the platform"))
    try:
        await platform.start()
        tell(Progress("gathering people"))
        people = await settle(
            platform.url,
            users=options.people,
            rooms=options.rooms,
            wanderers=options.wanderers,
            seed=options.seed,
        )
        try:
            trial = _Trial(options, platform, people, tell)
            await trial.run()
        finally:
            await asyncio.gather(*(person.client.close() for person in people.everybody))
    finally:
        tell(Progress("stopping the platform"))
        await platform.stop()
    tell(Progress("judging"))
    result = _judged(options, trial)
    (options.directory / "result.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(result))
    )
    return result


class _Trial:
    """The part of a run during which the platform is up."""

    def __init__(
        self,
        options: Options,
        platform: Platform,
        people: People,
        tell: Callable[[Progress], None],
    ) -> None:
        self._options = options
        self._platform = platform
        self._people = people
        self._tell = tell
        self._phase = "torturing"
        self._began = asyncio.get_running_loop().time()
        self._stop = asyncio.Event()
        self._records = contextlib.ExitStack()
        self._record = self._recorder("torture")
        self._recent = Recent()
        self._injector = Injector(platform, self._record, options.seed)
        self.talkers = [
            self._talker(number, person) for number, person in enumerate(people.everybody)
        ]

    async def run(self) -> None:
        """Load and break it, heal it, read it back."""
        with self._records:
            followers = [asyncio.create_task(talker.follower.run()) for talker in self.talkers]
            ticking = asyncio.create_task(self._tick())
            try:
                await self._load_and_break(followers)
                heads = await self._read_store()
                await self._wait_for_views(heads)
                self._phase = "telling latecomers"
                await tell_everything(
                    self._platform.url,
                    self._people.everybody,
                    heads,
                    self._recorder,
                    _LATECOMERS_S,
                )
                await self._read_back()
            finally:
                await _end([ticking, *followers])

    async def _load_and_break(self, followers: list[asyncio.Task[None]]) -> None:
        options = self._options
        talking = [asyncio.create_task(talker.run(self._stop)) for talker in self.talkers] + [
            asyncio.create_task(wander(talker, self._host, self._stop))
            for talker in self.talkers
            if talker.person in self._people.wanderers
        ]
        breaking = asyncio.create_task(
            self._injector.run(plan(options.seed, options.mix, options.seconds))
        )
        try:
            await self._sleep_unless_one_fails([*followers, *talking, breaking], options.seconds)
            self._stop.set()
            self._phase = "healing"
            await breaking
            await self._platform.heal()
            self._record.write(Healed)
            for process, exit_code in self._platform.deaths():
                self._record.write(Died, process=process, exit_code=exit_code)
            self._phase = "waiting for answers"
            _, late = await asyncio.wait(talking, timeout=_ANSWERS_S)
            if late:
                await _end(late)
                await asyncio.sleep(_LATE_SENDS_S)
        finally:
            await _end([*talking, breaking])

    async def _sleep_unless_one_fails(
        self, tasks: list[asyncio.Task[None]], seconds: float
    ) -> None:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def _wait_for_views(self, heads: dict[str, int]) -> None:
        self._phase = "waiting for views"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIVENESS_S + 1):
                while not all(self._has_seen(talker, heads) for talker in self.talkers):  # noqa: ASYNC110
                    await asyncio.sleep(_TICK_S / 5)

    def _has_seen(self, talker: Talker, heads: dict[str, int]) -> bool:
        mine = [target.conversation for target in _targets(talker.person)]
        cursors = talker.follower.cursors
        return all(cursors.get(each, 0) >= heads.get(each, 0) for each in mine)

    async def _read_store(self) -> dict[str, int]:
        self._phase = "reading the database"
        logs = await stored_entries(self._platform.mongo_url)
        for conversation, entries in logs.items():
            asked = {"op": new_id(), "user": "", "conversation": conversation}
            what = {**asked, "final": True, "store": True}
            self._record.write(Read, event="invoke", **what)
            self._record.write(Read, event="ok", entries=entries, **what)
        return {conversation: entries[-1].seq for conversation, entries in logs.items()}

    async def _read_back(self) -> None:
        self._phase = "reading everything back"
        gate = asyncio.Semaphore(_READERS)

        async def read(talker: Talker, target: Target) -> None:
            async with gate:
                await read_all(talker.person, target, talker.recorder, _FINAL_READ_S)

        await asyncio.gather(
            *(read(talker, target) for talker in self.talkers for target in _targets(talker.person))
        )

    def _talker(self, number: int, person: Person) -> Talker:
        recorder = self._recorder(person.name)
        follower: Follower = (
            LibraryFollower(person, recorder)
            if number % 2
            else BareFollower(self._platform.url, person, recorder)
        )
        chance = random.Random(f"{person.name} {self._options.seed}")
        return Talker(person, follower, recorder, chance, self._options.habits, self._recent)

    def _host(self, room: Target) -> Talker:
        """Return the owner of a room, who never leaves it."""
        return next(talker for talker in self.talkers if room in talker.person.rooms)

    def _recorder(self, client: str) -> Recorder:
        return self._records.enter_context(Recorder(self._options.histories, client))

    async def _tick(self) -> None:
        while True:
            self._tell(
                Progress(
                    self._phase,
                    asyncio.get_running_loop().time() - self._began,
                    sum(talker.recorder.acked for talker in self.talkers),
                    self._injector.injected,
                    sum(max(0, talker.follower.reconnects) for talker in self.talkers),
                    self._injector.latest,
                )
            )
            await asyncio.sleep(_TICK_S)


def _judged(options: Options, trial: _Trial) -> Result:
    records = list(load(options.histories))
    verdict = check(records, required_acks=options.required_acks)
    recovered = recoveries(records)
    deeds: Counter[str] = Counter()
    for talker in trial.talkers:
        deeds.update(talker.done)
    return Result(
        seed=options.seed,
        seconds=options.seconds,
        chat=options.chat,
        users=options.users,
        people=options.people,
        rooms=options.rooms,
        mongods=options.mongods,
        mutant=options.mutant,
        verdict=verdict,
        faults=dict(Counter(each.kind for each in recovered)),
        recoveries=recovered,
        reconnects=sum(max(0, talker.follower.reconnects) for talker in trial.talkers),
        deliveries=sum(talker.recorder.viewed for talker in trial.talkers),
        deeds=dict(deeds),
        changes=dict(
            Counter(
                record.action
                for record in records
                if isinstance(record, Send) and record.event == "ok" and record.action != "message"
            )
        ),
    )


def _targets(person: Person) -> list[Target]:
    return [*person.rooms, *person.friends]


async def _end(tasks: "list[asyncio.Task[None]] | set[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
