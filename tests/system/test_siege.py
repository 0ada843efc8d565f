"""A short siege: every attack at once, on a platform on which honest people chat."""

import subprocess
import sys
from pathlib import Path

import msgspec
from siege.run import Result
from siege.tally import TAKEN
from tests.system.conftest import environment

SECONDS = 20
# The command has bounds; how fast a loaded machine is, and what an allocator keeps of a short
# run, say nothing of the platform.
ANY_LATENCY, ANY_GROWTH = "600", "100"


def test_honest_people_are_served_and_nothing_is_lost_while_all_attacks_go_on(tmp_path: Path):
    command = [
        *(sys.executable, "-m", "siege", "--minutes", f"{SECONDS / 60}", "--seed", "1"),
        *("--p99", ANY_LATENCY, "--growth", ANY_GROWTH),
        *("--acks", "100", "--out", f"{tmp_path}"),
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300, env=environment()
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    (path,) = tmp_path.glob("*/result.json")
    result = msgspec.json.decode(path.read_bytes(), type=Result)
    assert result.reasons == []
    tallies = result.outcome.tallies
    assert any("429" in rule for tally in tallies.values() for rule in tally.rules)
    assert TAKEN not in tallies["grpc-floods"].rules
    assert TAKEN not in tallies["ended-tokens"].rules
