import asyncio
from types import SimpleNamespace

import pytest
import structlog

from chatterroom import background
from chatterroom.background import each_apart, isolated, keep_running, report
from chatterroom.core.errors import ChatterRoomError, ErrorCode, StorageUnavailableError


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was slept, in no time; nothing counts as reported."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(background, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(background, "_reported_at", {})
    return slept


async def until_cancelled(work, rounds: int, every_s: float = 0.0) -> None:
    done = asyncio.Event()
    left = rounds

    async def counted() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            done.set()
        await work()

    task = asyncio.create_task(keep_running("work", counted, every_s))
    await done.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize(
    "failure",
    [
        KeyError("a bug"),
        StorageUnavailableError("away"),
        ChatterRoomError(ErrorCode.INTERNAL, "no"),
        TimeoutError(),
    ],
)
async def test_a_round_that_fails_is_followed_by_another(failure: Exception):
    async def fail() -> None:
        raise failure

    await until_cancelled(fail, rounds=5)


async def test_pauses_double_while_rounds_fail_and_never_undercut_the_interval(
    pauses: list[float],
):
    async def fail() -> None:
        raise KeyError

    await until_cancelled(fail, rounds=9, every_s=0.3)
    assert pauses[:2] == [0.3, 0.3]
    assert 1.0 <= pauses[7] <= 2.0


async def test_a_round_that_succeeds_is_followed_after_the_interval(pauses: list[float]):
    async def succeed() -> None:
        pass

    await until_cancelled(succeed, rounds=3, every_s=7.0)
    assert set(pauses) == {7.0}


async def test_a_cancellation_ends_it_even_where_the_work_swallows_it():
    begun = asyncio.Event()

    async def swallow() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return

    task = asyncio.create_task(keep_running("work", swallow))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def test_one_failure_of_a_kind_is_reported_in_a_second():
    with structlog.testing.capture_logs() as logs:
        for _ in range(50):
            report("sweep", KeyError("a"))
            report("sweep", StorageUnavailableError("no primary"))
            report("marks", KeyError("b"))
            with isolated("sweep"):
                raise KeyError("elsewhere")
    assert [(line["event"], line["what"]) for line in logs] == [
        ("failed", "sweep"),
        ("interrupted", "sweep"),
        ("failed", "marks"),
        ("failed", "sweep"),
    ]
    assert logs[0]["exc_info"]
    assert logs[1]["reason"] == "no primary"


def test_what_is_isolated_fails_alone():
    served = []
    for item in range(3):
        with isolated("items"):
            if item == 1:
                raise KeyError
            served.append(item)
    assert served == [0, 2]


async def test_what_fails_by_a_bug_is_done_apart():
    done: list[int] = []

    async def do(items) -> None:
        if 5 in items or 11 in items:
            raise KeyError(str(items))
        done.extend(items)

    failures = await each_apart(range(16), do)
    assert [item for item, _ in failures] == [5, 11]
    assert sorted(done) == [item for item in range(16) if item not in {5, 11}]


async def test_an_outage_is_not_tried_apart():
    tries = 0

    async def do(_) -> None:
        nonlocal tries
        tries += 1
        raise StorageUnavailableError

    with pytest.raises(StorageUnavailableError):
        await each_apart(range(16), do)
    assert tries == 1
