import asyncio
import os
import sys

import pytest

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.directory import EngineDirectory
from chatterroom.engines.errors import EngineError


async def test_the_lock_lasts_as_long_as_the_child_that_inherited_it(tmp_path):
    directory = EngineDirectory(tmp_path)
    async with directory.locked(deadline_s=1) as lock:
        holder = await ChildProcess.start(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            log_path=tmp_path / "log",
            inherited_fds=[lock],
        )
    with pytest.raises(EngineError, match="in use by another process"):
        async with directory.locked(deadline_s=0.1):
            pass
    waiting = asyncio.create_task(enter(directory))
    await holder.kill()
    await waiting


async def enter(directory: EngineDirectory) -> None:
    async with directory.locked(deadline_s=10) as lock:
        assert os.fstat(lock)


def test_a_remembered_port_is_chosen_again(tmp_path):
    directory = EngineDirectory(tmp_path)
    port = directory.choose_port()
    directory.remember_port(port)
    assert directory.choose_port() == port


def test_a_remembered_port_that_another_was_promised_is_not_chosen(tmp_path):
    directory = EngineDirectory(tmp_path)
    port = directory.choose_port()
    directory.remember_port(port)
    assert directory.choose_port(besides=[port]) != port


def test_a_damaged_port_file_means_another_port(tmp_path):
    (tmp_path / "port").write_text("not a port")
    assert EngineDirectory(tmp_path).choose_port()
