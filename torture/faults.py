"""Does to processes and links what the schedule says, and takes down when they work again."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatterroom.engines.errors import EngineError
from torture.links import Link
from torture.platform import Platform
from torture.records import Fault, Recorder
from torture.replica_set import Member, ReplicaSet
from torture.running import Part
from torture.schedule import (
    FLUSH,
    KILL,
    LINK,
    LOSE,
    PRIMARY,
    ROLL,
    SECONDARY,
    STEP_DOWN,
    STOP,
    UNPLUG,
    Planned,
)

__all__ = ["Injector"]

_POLL_S = 0.05
_RECOVERY_S = 60.0


class Injector:
    """Runs one schedule against one platform."""

    def __init__(self, platform: Platform, recorder: Recorder, seed: int) -> None:
        self._platform = platform
        self._recorder = recorder
        self._chance = random.Random(f"targets {seed}")
        self._is_unplugged = False
        self.injected = 0
        self.latest = ""

    async def run(self, schedule: Sequence[Planned]) -> None:
        """Inject every fault at its time; return when what they hit works again."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for fault in schedule:
                await asyncio.sleep(max(0.0, began + fault.at_s - time.monotonic()))
                tasks.create_task(self._inject(fault))

    async def _inject(self, fault: Planned) -> None:
        if self._is_unplugged:
            return
        mongods = self._platform.mongods
        if fault.kind == UNPLUG:
            await self._unplug(fault)
        elif fault.target.endswith(LINK):
            await self._break(await self._platform.links_to(fault.target), fault)
        elif mongods is not None and (
            fault.target in {PRIMARY, SECONDARY} or fault.kind in {LOSE, ROLL}
        ):
            await self._hit_members(mongods, fault)
        else:
            await self._hit_process(fault)

    async def _hit_process(self, fault: Planned) -> None:
        part = self._choose(fault.target)
        if part is None or part.pid is None:
            return  # an earlier fault has taken it down already
        begun = self._begin(fault, part.name)
        if fault.kind == FLUSH:
            await _flush(self._platform.redis_url)
        elif fault.kind == KILL:
            self._platform.signal(part, signal.SIGKILL)
            await self._replaced(part)
        else:
            self._platform.signal(part, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.length_s)
            finally:
                self._platform.signal(part, signal.SIGCONT)
        self._end(begun)

    async def _hit_members(self, mongods: ReplicaSet, fault: Planned) -> None:
        members = await self._choose_members(mongods, fault)
        if not members:
            return  # earlier faults have them
        for member in members:
            member.is_busy = True
        begun = self._begin(fault, ", ".join(member.name for member in members))
        try:
            await self._hit(mongods, members, fault)
        except EngineError:
            return  # healing waits longer, and tells
        finally:
            for member in members:
                member.is_busy = False
        self._end(begun)

    async def _hit(self, mongods: ReplicaSet, members: Sequence[Member], fault: Planned) -> None:
        if fault.kind == STEP_DOWN:
            await mongods.step_down(members[0])
        elif fault.kind == ROLL:
            for member in members:
                await member.end()
                await member.start_again()
        elif fault.kind == STOP:
            members[0].signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.length_s)
            finally:
                members[0].signal(signal.SIGCONT)
        else:
            await asyncio.gather(*(member.kill() for member in members))
            await asyncio.sleep(fault.length_s)
            await asyncio.gather(*(member.start_again() for member in members))

    async def _choose_members(self, mongods: ReplicaSet, fault: Planned) -> list[Member]:
        if fault.kind == ROLL:
            return [] if any(each.is_busy for each in mongods.members) else mongods.members
        if fault.kind == LOSE:
            primary = await mongods.choose(PRIMARY)
            others = [each for each in mongods.members if each is not primary]
            is_free = primary is not None and not any(each.is_busy for each in others)
            return others if is_free else []
        chosen = await mongods.choose(fault.target)
        return [] if chosen is None else [chosen]

    async def _break(self, links: Sequence[Link], fault: Planned) -> None:
        fit = [link for link in links if link.is_used and link.is_whole]
        if not fit:
            return  # an earlier fault is not over
        begun = self._begin(fault, fault.target)
        for link in fit:
            link.break_(fault.kind)
        try:
            await asyncio.sleep(fault.length_s)
        finally:
            for link in fit:
                link.mend()
        self._end(begun)

    async def _unplug(self, fault: Planned) -> None:
        begun = self._begin(fault, fault.target)
        self._is_unplugged = True
        try:
            await self._platform.unplug()
            await self._platform.plug_in()
        except EngineError:
            return  # healing waits longer, and tells
        finally:
            self._is_unplugged = False
        self._end(begun)

    def _begin(self, fault: Planned, name: str) -> Fault:
        self.injected += 1
        self.latest = f"{fault.kind} {name}"
        op, kind = f"fault {self.injected}", f"{fault.kind} {fault.target}"
        t = self._recorder.write(Fault, event="start", op=op, kind=kind)
        return Fault(t=t, client=self._recorder.client, event="start", op=op, kind=kind)

    def _end(self, begun: Fault) -> None:
        self._recorder.write(Fault, event="stop", op=begun.op, kind=begun.kind)

    def _choose(self, target: str) -> Part | None:
        """Return one of the processes that `target` names: chat is chat-1 or chat-2."""
        ready = [
            part
            for part in self._platform.parts().values()
            if part.name.split("-")[0] == target and part.is_ready
        ]
        return self._chance.choice(ready) if ready else None

    async def _replaced(self, killed: Part) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RECOVERY_S):
                while True:
                    now = self._platform.parts().get(killed.name, killed)
                    if now.is_ready and now.pid != killed.pid:
                        return
                    await asyncio.sleep(_POLL_S)


async def _flush(redis_url: str) -> None:
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        async with asyncio.timeout(2), Redis.from_url(redis_url) as redis:
            await redis.flushall()
