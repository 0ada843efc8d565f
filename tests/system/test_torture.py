"""A short torture run is part of every test run; and the torture itself is tested on a mutant."""

from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
from torture.clients import Habits
from torture.mutants import MUTANTS
from torture.report import figures
from torture.run import Options, Progress, Result, run
from torture.schedule import REPLICATED, only

BUSY = Habits(pause_s=0.2)
SEED = 17
"""Tears the way to mongod and kills a gateway, a chat and a user service, and mongod."""
REPLICA_SEED = 0
"""Kills the primary, makes the next step down, stops one, and loses the majority."""
MEMBERS_FAIL = replace(
    only(REPLICATED, ["kill primary", "stop primary", "step-down primary", "lose majority"]),
    pause_s=(2.0, 3.5),
    stop_s=(1.5, 3.0),
)


def quiet(progress: Progress) -> None:
    del progress


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


async def torture(options: Options) -> Result:
    before = children()
    result = await run(options, quiet)
    assert children() <= before, "a run leaves no process behind"
    return result


async def test_nothing_is_lost_doubled_or_disordered_while_everything_is_killed(tmp_path: Path):
    options = Options(
        tmp_path / "run",
        seconds=14,
        seed=SEED,
        users=1,
        people=16,
        habits=BUSY,
        # A busy machine must not fail it; a long run asks for more.
        required_acks=200,
    )
    result = await torture(options)
    assert result.verdict.state == "passed", msgspec.json.encode(result.verdict)
    assert result.verdict.faults_in_flight >= 2
    assert set(figures(result).values()) == {0}
    assert len(result.faults) >= 2
    assert "tear mongod-link" in result.faults
    assert result.changes.keys() >= {"message_edited", "message_deleted", "reaction_added"}


async def test_nothing_is_lost_while_the_members_of_a_replica_set_fail(tmp_path: Path):
    options = Options(
        tmp_path / "run",
        seconds=12,
        seed=REPLICA_SEED,
        chat=1,
        people=10,
        mongods=3,
        mix=MEMBERS_FAIL,
        habits=BUSY,
        required_acks=100,
    )
    result = await torture(options)
    assert result.verdict.state == "passed", msgspec.json.encode(result.verdict)
    assert set(figures(result).values()) == {0}
    assert result.faults.keys() >= {"kill primary", "lose majority"}


async def test_a_broken_product_is_found_out(tmp_path: Path):
    mutant = MUTANTS["no-unique-keys"]
    options = Options(
        tmp_path / "run",
        seconds=4,
        seed=SEED,
        users=1,
        people=8,
        wanderers=1,
        mutant="no-unique-keys",
        mix=mutant.mix,
        habits=BUSY,
    )
    result = await torture(options)
    assert result.verdict.state == "failed"
    assert result.verdict.counts.keys() & {"LOST_ACKED", "ORDER", "DUPLICATE"}
