import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.errors import EngineError
from chatterroom.engines.supervisor import Backoff, State, Status, Supervisor

SLEEP = "import time; time.sleep(60)"
FAIL = "raise SystemExit(3)"
QUICK = Backoff(first_s=0.02, longest_s=0.08, healthy_after_s=60.0)


@dataclass
class Script:
    """A program that runs some Python, and is ready when the test says so."""

    name: str
    code: str
    log_path: Path
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    address: str = "nowhere"
    stop_deadline_s: float = 10.0
    starts: list[float] = field(default_factory=list)
    process: ChildProcess | None = None

    async def spawn(self) -> ChildProcess:
        self.starts.append(asyncio.get_running_loop().time())
        self.process = await ChildProcess.start(
            [sys.executable, "-I", "-S", "-c", self.code], log_path=self.log_path
        )
        return self.process

    async def wait_ready(self) -> None:
        async def is_ready() -> bool:
            return self.ready.is_set()

        await self.process.wait_until(is_ready, name=self.name, deadline_s=10)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)


class Changes(list[Status]):
    """What a supervisor told, and a way to wait for more of it."""

    def __init__(self) -> None:
        self._more = asyncio.Event()

    def add(self, status: Status) -> None:
        self.append(status)
        self._more.set()

    async def until(self, condition: Callable[[Status], bool]) -> Status:
        async with asyncio.timeout(10):
            while not any(condition(status) for status in self):
                self._more.clear()
                await self._more.wait()
        return next(status for status in self if condition(status))

    def names_in(self, state: State) -> list[str]:
        return [status.name for status in self if status.state is state]


@pytest.fixture
def script(tmp_path) -> Callable[..., Script]:
    def make(name: str, code: str = SLEEP, *, ready: bool = True) -> Script:
        made = Script(name, code, tmp_path / f"{name}.log")
        if ready:
            made.ready.set()
        return made

    return make


@pytest.fixture
def changes() -> Changes:
    return Changes()


async def ended(running: asyncio.Task) -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_child_that_dies_is_started_again(script, changes):
    service = script("service")
    supervisor = Supervisor([[service]], [[service]], on_change=changes.add, backoff=QUICK)
    running = asyncio.create_task(supervisor.run(lambda: None))
    first = await changes.until(lambda status: status.state is State.READY)
    service.kill()
    dead = await changes.until(lambda status: status.state is State.RESTARTING)
    assert dead.pid is None
    again = await changes.until(lambda s: s.state is State.READY and s.restarts == 1)
    assert again.pid not in (None, first.pid)
    await ended(running)


async def test_restarts_wait_longer_and_longer(script, changes):
    service = script("service")
    supervisor = Supervisor([[service]], [[service]], on_change=changes.add, backoff=QUICK)
    running = asyncio.create_task(supervisor.run(lambda: None))
    for restarts in range(5):
        await changes.until(lambda s, n=restarts: s.state is State.READY and s.restarts == n)
        service.kill()
    await changes.until(lambda s: s.state is State.READY and s.restarts == 5)
    await ended(running)
    pauses = [later - sooner for sooner, later in itertools.pairwise(service.starts)]
    least = (0.02, 0.04, 0.08, 0.08, 0.08)
    assert all(pause >= bound for pause, bound in zip(pauses, least, strict=True))


async def test_a_healthy_time_makes_restarts_quick_again(script, changes):
    service = script("service")
    # Without the reset, the twelfth pause alone would be 20 s, and the wait for it fail.
    backoff = Backoff(first_s=0.01, longest_s=60.0, healthy_after_s=0.0)
    supervisor = Supervisor([[service]], [[service]], on_change=changes.add, backoff=backoff)
    running = asyncio.create_task(supervisor.run(lambda: None))
    for restarts in range(12):
        await changes.until(lambda s, n=restarts: s.state is State.READY and s.restarts == n)
        service.kill()
    await changes.until(lambda s: s.state is State.READY and s.restarts == 12)
    await ended(running)


async def test_groups_start_one_after_another(script, changes):
    engine, service = script("engine", ready=False), script("service")
    supervisor = Supervisor(
        [[engine], [service]], [[service], [engine]], on_change=changes.add, backoff=QUICK
    )
    all_ready = asyncio.Event()
    running = asyncio.create_task(supervisor.run(all_ready.set))
    await changes.until(lambda status: status.state is State.STARTING)
    assert not service.starts
    engine.ready.set()
    await asyncio.wait_for(all_ready.wait(), 10)
    assert changes.names_in(State.STARTING) == ["engine", "service"]
    await ended(running)


async def test_groups_stop_in_the_stop_order(script, changes):
    programs = [script(name) for name in ("mongod", "discovery", "users", "chat", "gateway")]
    stop_order = [[program] for program in reversed(programs)]
    supervisor = Supervisor([programs], stop_order, on_change=changes.add)
    all_ready = asyncio.Event()
    running = asyncio.create_task(supervisor.run(all_ready.set))
    await asyncio.wait_for(all_ready.wait(), 10)
    await ended(running)
    assert changes.names_in(State.STOPPED) == ["gateway", "chat", "users", "discovery", "mongod"]
    assert all(program.process.exit_code == -signal.SIGTERM for program in programs)


async def test_a_child_that_never_gets_ready_fails_the_start_and_the_rest_is_stopped(
    script, changes
):
    engine, service = script("engine"), script("service", FAIL, ready=False)
    supervisor = Supervisor(
        [[engine], [service]], [[service], [engine]], on_change=changes.add, backoff=QUICK
    )
    with pytest.raises(EngineError, match="service ended with exit code 3 while starting"):
        await supervisor.run(lambda: None)
    assert len(service.starts) == QUICK.first_attempts
    assert engine.process.exit_code is not None


async def test_what_cannot_even_be_spawned_fails_the_start_at_once(script, changes):
    missing = script("missing")

    async def spawn() -> ChildProcess:
        raise EngineError("mongod not found")

    missing.spawn = spawn
    supervisor = Supervisor([[missing]], [[missing]], on_change=changes.add)
    with pytest.raises(EngineError, match="mongod not found"):
        await supervisor.run(lambda: None)
    assert not changes


async def test_stopping_during_the_start_leaves_nothing_running(script, changes):
    engine = script("engine", ready=False)
    supervisor = Supervisor([[engine]], [[engine]], on_change=changes.add)
    running = asyncio.create_task(supervisor.run(lambda: None))
    await changes.until(lambda status: status.state is State.STARTING)
    await ended(running)
    assert engine.process.exit_code == -signal.SIGTERM
