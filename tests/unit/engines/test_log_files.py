import asyncio
import sys

from chatterroom.engines import log_files
from chatterroom.engines.child import ChildProcess
from chatterroom.engines.log_files import keep_small, shorten


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_small_log_stays(tmp_path):
    path = tmp_path / "chat-1.log"
    path.write_text("few words")
    shorten(tmp_path, 100)
    assert path.read_text() == "few words"
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_log_moves_in_place_of_the_one_before(tmp_path):
    path = tmp_path / "chat-1.log"
    for word in ("first", "second"):
        path.write_text(word * 100)
        shorten(tmp_path, 100)
        assert path.read_text() == ""
    assert (tmp_path / "chat-1.log.1").read_text() == "second" * 100
    assert len(list(tmp_path.iterdir())) == 2


async def test_a_running_process_goes_on_writing_into_its_shortened_log(tmp_path, monkeypatch):
    path, go_on = tmp_path / "child.log", tmp_path / "go-on"
    program = """
import os, sys, time
print("x" * 200, flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
print("after", flush=True)
"""
    monkeypatch.setattr(log_files, "MAX_BYTES", 100)
    child = await ChildProcess.start([sys.executable, "-c", program, go_on], log_path=path)
    await until(lambda: path.stat().st_size > 200)
    shortening = asyncio.create_task(keep_small(tmp_path))
    await until(lambda: path.stat().st_size == 0)
    go_on.touch()
    assert await child.wait() == 0
    shortening.cancel()
    assert path.read_text() == "after\n"
    assert (tmp_path / "child.log.1").read_text() == "x" * 200 + "\n"
