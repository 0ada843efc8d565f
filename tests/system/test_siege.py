"""A short siege: every attack at once, on a platform on which honest people chat."""

import subprocess
import sys
from pathlib import Path

import msgspec
from siege.judging import Result
from tests.system.conftest import environment

SECONDS = 20
# The command has a bound; how fast a loaded machine is says nothing of the platform.
ANY_LATENCY = "600"


def test_honest_people_are_served_and_nothing_is_lost_while_all_attacks_go_on(tmp_path: Path):
    command = [
        *(sys.executable, "-m", "siege", "--minutes", f"{SECONDS / 60}", "--seed", "1"),
        *("--p99", ANY_LATENCY, "--acks", "100", "--out", f"{tmp_path}"),
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300, env=environment()
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    (path,) = tmp_path.glob("*/result.json")
    result = msgspec.json.decode(path.read_bytes(), type=Result)
    assert result.passed
    limited = [
        name for name, tally in result.attacks.items() if any("429" in r for r in tally.rules)
    ]
    assert limited, "no attack met a limit"
