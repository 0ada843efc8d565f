import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.errors import EngineError

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)"]
DEAF_PROGRAM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
DEAF = [sys.executable, "-c", DEAF_PROGRAM]
PARENT = """
import asyncio, sys
from pathlib import Path
from chatterroom.engines.child import ChildProcess

async def main():
    child = await ChildProcess.start(
        [sys.executable, "-c", "import time; time.sleep(60)"], log_path=Path(sys.argv[1])
    )
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


async def printed(log_path: Path, word: str) -> None:
    async with asyncio.timeout(10):
        while word not in log_path.read_text():
            await asyncio.sleep(0.01)


async def test_output_is_appended_to_the_log(tmp_path):
    log_path = tmp_path / "logs" / "child.log"
    for word in ("one", "two"):
        child = await ChildProcess.start(
            [sys.executable, "-c", f"print('{word}')"], log_path=log_path
        )
        assert await child.wait() == 0
    assert log_path.read_text() == "one\ntwo\n"


async def test_a_stopped_child_is_asked_first(tmp_path):
    child = await ChildProcess.start(SLEEPER, log_path=tmp_path / "log")
    assert await child.stop(deadline_s=10) == -signal.SIGTERM


async def test_a_child_that_does_not_listen_is_killed_after_the_deadline(tmp_path):
    child = await ChildProcess.start(DEAF, log_path=tmp_path / "log")
    await printed(tmp_path / "log", "deaf")
    assert await child.stop(deadline_s=0.1) == -signal.SIGKILL


async def test_stopping_twice_is_harmless(tmp_path):
    child = await ChildProcess.start(SLEEPER, log_path=tmp_path / "log")
    await child.kill()
    assert await child.stop(deadline_s=1) == -signal.SIGKILL


async def test_waiting_for_a_child_that_ends_says_so(tmp_path):
    child = await ChildProcess.start(
        [sys.executable, "-c", "raise SystemExit(7)"], log_path=tmp_path / "log"
    )

    async def never() -> bool:
        return False

    with pytest.raises(EngineError, match="clock ended with exit code 7"):
        await child.wait_until(never, name="clock", deadline_s=10)


async def test_waiting_has_a_deadline(tmp_path):
    child = await ChildProcess.start(SLEEPER, log_path=tmp_path / "log")

    async def never() -> bool:
        return False

    with pytest.raises(EngineError, match="clock was not ready within"):
        await child.wait_until(never, name="clock", deadline_s=0.1)
    await child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
async def test_a_child_does_not_outlive_a_killed_parent(tmp_path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, tmp_path / "log", stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    child = psutil.Process(int(await parent.stdout.readline()))
    assert child.is_running()
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    async with asyncio.timeout(10):
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)
