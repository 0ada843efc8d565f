"""Does to processes what the schedule says, and takes down when they work again."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from torture.platform import Part, Platform
from torture.records import Fault, Recorder
from torture.schedule import FLUSH, KILL, Planned

__all__ = ["Injector"]

_POLL_S = 0.05
_RECOVERY_S = 60.0


class Injector:
    """Runs one schedule against one platform."""

    def __init__(self, platform: Platform, recorder: Recorder, seed: int) -> None:
        self._platform = platform
        self._recorder = recorder
        self._chance = random.Random(f"targets {seed}")
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
        part = self._choose(fault.target)
        if part is None or part.pid is None:
            return  # an earlier fault has taken it down already
        self.injected += 1
        self.latest = f"{fault.kind} {part.name}"
        op = f"fault {self.injected}"
        kind = f"{fault.kind} {fault.target}"
        self._recorder.write(Fault, event="start", op=op, kind=kind)
        if fault.kind == FLUSH:
            await _flush(part.address)
        elif fault.kind == KILL:
            self._platform.signal(part.pid, signal.SIGKILL)
            await self._replaced(part)
        else:
            self._platform.signal(part.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.length_s)
            finally:
                self._platform.signal(part.pid, signal.SIGCONT)
        self._recorder.write(Fault, event="stop", op=op, kind=kind)

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


async def _flush(address: str) -> None:
    host, port = address.rsplit(":", 1)
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        async with asyncio.timeout(2), Redis(host=host, port=int(port)) as redis:
            await redis.flushall()
