"""One siege: start, let honest users chat, attack, wait for quiet, judge. Prints nothing."""

import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from bench.measures import Latency
from torture.checker import check
from torture.clients import read_all
from torture.database import stored_entries
from torture.people import People, settle
from torture.records import Died, Fault, Healed, Read, Recorder, load
from torture.running import RunningPlatform

from chatterroom.core.ids import new_id
from chatterroom.engines.errors import EngineError
from siege.front import Target
from siege.honest import Honest
from siege.hostile import Event, PhaseChanged, Plan, Tallied
from siege.latencies import delivery, sending
from siege.memory import grown, held_bytes
from siege.table import ATTACKS
from siege.tally import Tally
from siege.verdict import Outcome, reasons

__all__ = ["Options", "Result", "run"]

_PEER = "127.0.0.1/32"
"""Attackers name their addresses in a header that is believed from here."""
_CHAT_S = 5.0
"""How long honest users are alone."""
_SETTLE_S = 35.0
"""Readers that take nothing are cut off after 30."""
_ENGINES = frozenset({"mongod", "redis"})
"""Their memory is shown and not judged: it grows with what is stored, up to their own limits."""
_QUIET_POLL_S = 1.0
_ANSWERS_S = 60.0
_VIEWS_S = 10.0
_FINAL_READ_S = 120.0
_STOP_S = 30.0
_READERS = 4


@dataclass(frozen=True)
class Options:
    """What a siege is made of."""

    directory: Path
    """Gets histories, the result and the logs."""
    seconds: float
    seed: int
    attacks: list[str]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the platform, where they are not to be the defaults."""
    chat: int = 2
    users: int = 2
    people: int = 12
    rooms: int = 5
    pause_s: float = 1.0
    """Between two sends of one honest user."""
    warm_up_s: float = 10.0
    """How long attacks go on before memory is measured: what fills once and stays is no leak."""
    p99_s: float = 3.0
    """The bound on the 99th percentile of what honest users wait for."""
    growth: float = 0.2
    """By which part of what it held before a process may have grown in the end."""
    memory_deadline_s: float = 90.0
    """How long after the siege memory may take to come back."""
    required_acks: int = 200
    any_strength: bool = False
    """Whether attacks may be too weak to meet their limit, as on a busy machine."""

    @property
    def histories(self) -> Path:
        """Where the records are."""
        return self.directory / "history"


class Result(msgspec.Struct, frozen=True):
    """What came out of a siege."""

    seed: int
    seconds: float
    outcome: Outcome
    reasons: list[str]
    """Why it is not passed; empty if it is."""
    quiet_sending: Latency | None
    """The same measure before the attacks began."""
    memory_cold: dict[str, int]
    """Before any attack."""
    memory_before: dict[str, int]
    """After the attacks of the warm-up."""
    memory_after: dict[str, int]
    memory_most: dict[str, int]
    reads: int
    retried_reads: dict[str, int]
    reconnects: int


async def run(options: Options, tell: Callable[[str], None]) -> Result:
    """Run, and leave nothing behind but files. `tell` hears how it goes."""
    options.histories.mkdir(parents=True)
    platform = RunningPlatform(
        options.directory / "platform",
        (sys.executable, "-m", "chatterroom"),
        users=options.users,
        chat=options.chat,
        settings={"CHATTERROOM_GATEWAY_TRUSTED_PROXIES": _PEER, **options.settings},
    )
    tell("starting the platform")
    try:
        await platform.start()
        tell("gathering honest people")
        people = await settle(
            platform.url, users=options.people, rooms=options.rooms, wanderers=0, seed=options.seed
        )
        siege = _Siege(options, platform, people, tell)
        try:
            await siege.run()
        finally:
            await asyncio.gather(*(person.client.close() for person in people.everybody))
    finally:
        tell("stopping the platform")
        await platform.stop()
    tell("judging")
    result = siege.judged()
    (options.directory / "result.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(result))
    )
    return result


class _Siege:
    """The part of a run during which the platform is up."""

    def __init__(
        self,
        options: Options,
        platform: RunningPlatform,
        people: People,
        tell: Callable[[str], None],
    ) -> None:
        self._options = options
        self._platform = platform
        self._tell = tell
        self._stop = asyncio.Event()
        self._records = contextlib.ExitStack()
        self._record = self._recorder("siege")
        self._ops: dict[str, str] = {}
        self._tallies: dict[str, Tally] = {}
        self._broken: dict[str, str] = {}
        self._quiet_ns = 0
        self._began_ns = 0
        self._ended_ns = 0
        self._is_whole = False
        self._deaths: list[tuple[str, int]] = []
        self._cold: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._after: dict[str, int] = {}
        self._most: dict[str, int] = {}
        self.honest = [
            Honest(
                person, self._recorder(person.name), random.Random(f"{person.name} {options.seed}")
            )
            for person in people.everybody
        ]

    async def run(self) -> None:
        """Chat, be attacked, and read everything back."""
        with self._records:
            following = [asyncio.create_task(each.follower.run()) for each in self.honest]
            try:
                await self._chat_under_siege()
                await self._read_back()
            finally:
                await _end(following)

    async def _chat_under_siege(self) -> None:
        chatting = [
            *(
                asyncio.create_task(each.chat(self._stop, self._options.pause_s))
                for each in self.honest
            ),
            *(asyncio.create_task(each.look(self._stop)) for each in self.honest),
        ]
        try:
            self._tell("honest users chat")
            await asyncio.sleep(_CHAT_S)
            self._quiet_ns = time.monotonic_ns()
            self._cold = held_bytes(self._platform)
            if self._options.warm_up_s:
                self._tell("warming up")
                await self._attack(self._options.warm_up_s, lambda _: None)
                await asyncio.sleep(_SETTLE_S)
            self._before = held_bytes(self._platform)
            self._began_ns = time.monotonic_ns()
            self._tell("under siege")
            await self._attack(self._options.seconds, self._heard)
            self._ended_ns = time.monotonic_ns()
            options = self._options.attacks
            self._broken |= {
                name: "it did not end" for name in options if name not in self._tallies
            }
            self._record.write(Healed)
            self._tell("waiting for memory to come back")
            await self._wait_for_memory()
            self._stop.set()
            done, _ = await asyncio.wait(chatting, timeout=_ANSWERS_S)
            for task in done:
                task.result()
        finally:
            self._stop.set()
            await _end(chatting)
        await self._wait_until_whole()
        self._deaths = self._platform.deaths()
        for process, exit_code in self._deaths:
            self._record.write(Died, process=process, exit_code=exit_code)

    async def _attack(self, seconds: float, hear: Callable[[Event], None]) -> None:
        target = Target(
            self._platform.port,
            {name: part.address for name, part in self._platform.parts().items()},
            [each.person.user_id for each in self.honest],
        )
        options = self._options
        plan = Plan(target, options.attacks, options.seed, seconds)
        hostile = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "siege.hostile"),
            cwd=Path(__file__).parent.parent,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert hostile.stdin is not None  # noqa: S101 -- it is a pipe
        assert hostile.stdout is not None  # noqa: S101 -- so is this
        watching = asyncio.create_task(self._watch_memory())
        try:
            hostile.stdin.write(msgspec.json.encode(plan))
            hostile.stdin.close()
            async with asyncio.timeout(seconds + _STOP_S):
                async for line in hostile.stdout:
                    hear(msgspec.json.decode(line, type=Event))
                await hostile.wait()
        except TimeoutError:
            pass  # the attacks without a tally are known by that
        finally:
            await _end([watching])
            if hostile.returncode is None:
                hostile.kill()
                await hostile.wait()

    def _heard(self, event: PhaseChanged | Tallied) -> None:
        if isinstance(event, Tallied):
            self._tallies[event.attack] = event.tally
            if event.error:
                self._broken[event.attack] = event.error
        elif event.event == "start":
            self._ops[event.attack] = new_id()
            self._record.write(Fault, event="start", op=self._ops[event.attack], kind=event.attack)
        else:
            self._record.write(Fault, event="stop", op=self._ops[event.attack], kind=event.attack)

    async def _watch_memory(self) -> None:
        while True:
            for name, held in held_bytes(self._platform).items():
                self._most[name] = max(held, self._most.get(name, 0))
            await asyncio.sleep(_QUIET_POLL_S)

    async def _wait_for_memory(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.memory_deadline_s):
                while True:
                    self._after = held_bytes(self._platform)
                    if not self._grown():
                        return
                    await asyncio.sleep(_QUIET_POLL_S)

    def _grown(self) -> dict[str, float]:
        judged = {name: held for name, held in self._before.items() if name not in _ENGINES}
        return grown(judged, self._after, self._options.growth)

    async def _wait_until_whole(self) -> None:
        with contextlib.suppress(TimeoutError, EngineError):
            async with asyncio.timeout(_STOP_S):
                while not await self._platform.is_whole():  # noqa: ASYNC110
                    await asyncio.sleep(_QUIET_POLL_S)
                self._is_whole = True

    async def _read_back(self) -> None:
        self._tell("reading everything back")
        ours = {target.conversation for each in self.honest for target in each.targets}
        logs = await stored_entries(self._platform.mongo_url, ours)
        for conversation, entries in logs.items():
            asked = {"op": new_id(), "user": "", "conversation": conversation}
            what = {**asked, "final": True, "store": True}
            self._record.write(Read, event="invoke", **what)
            self._record.write(Read, event="ok", entries=entries, **what)
        await self._wait_for_views({name: entries[-1].seq for name, entries in logs.items()})
        gate = asyncio.Semaphore(_READERS)

        async def read(each: Honest) -> None:
            async with gate:
                for target in each.targets:
                    try:
                        was_read = await read_all(each.person, target, each.recorder, _FINAL_READ_S)
                    except TimeoutError:
                        was_read = False
                    each.failures["read in the end"] += not was_read

        await asyncio.gather(*(read(each) for each in self.honest))

    async def _wait_for_views(self, heads: Mapping[str, int]) -> None:
        def have_all() -> bool:
            return all(
                each.follower.cursors.get(target.conversation, 0)
                >= heads.get(target.conversation, 0)
                for each in self.honest
                for target in each.targets
            )

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_VIEWS_S):
                while not have_all():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    def judged(self) -> Result:
        """Judge what was taken down."""
        options = self._options
        records = list(load(options.histories))
        failures: Counter[str] = Counter()
        retried: Counter[str] = Counter()
        for each in self.honest:
            failures.update(each.failures)
            failures["send: no answer"] += each.unanswered
            retried.update(each.retried)
        outcome = Outcome(
            history=check(records, required_acks=options.required_acks, needs_faults=False),
            failures=dict(+failures),
            sending=sending(records, since=self._began_ns, until=self._ended_ns),
            delivery=delivery(records, since=self._began_ns, until=self._ended_ns),
            deaths=self._deaths,
            is_whole=self._is_whole,
            grown=self._grown(),
            tallies=self._tallies,
            broken_attacks=self._broken,
        )
        return Result(
            seed=options.seed,
            seconds=options.seconds,
            outcome=outcome,
            reasons=list(
                reasons(
                    outcome,
                    ATTACKS,
                    p99_s=options.p99_s,
                    any_strength=options.any_strength,
                )
            ),
            quiet_sending=sending(records, until=self._quiet_ns),
            memory_cold=self._cold,
            memory_before=self._before,
            memory_after=self._after,
            memory_most=self._most,
            reads=sum(each.reads for each in self.honest),
            retried_reads=dict(retried),
            reconnects=sum(max(0, each.follower.reconnects) for each in self.honest),
        )

    def _recorder(self, client: str) -> Recorder:
        return self._records.enter_context(Recorder(self._options.histories, client))


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
