"""Short sieges, of a platform on which honest people chat."""

import subprocess
import sys
from pathlib import Path

import msgspec
from siege.run import Result
from tests.system.conftest import environment

# The command has bounds; how fast a loaded machine is, and what an allocator keeps of a short
# run, say nothing of the platform.
UNTIMED = ("--p99", "600", "--growth", "100", "--warm-up", "0", "--seed", "1")


def besieged(directory: Path, seconds: float, *arguments: str) -> tuple[int, Result]:
    command = [
        *(sys.executable, "-m", "siege", "--minutes", f"{seconds / 60}"),
        *(*UNTIMED, "--out", f"{directory}", *arguments),
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300, env=environment()
    )
    found = list(directory.glob("*/result.json"))
    assert found, done.stdout[-4000:] + done.stderr[-2000:]
    return done.returncode, msgspec.json.decode(found[0].read_bytes(), type=Result)


def test_honest_people_are_served_and_nothing_is_lost_while_all_attacks_go_on(tmp_path: Path):
    exit_status, result = besieged(tmp_path, 20, "--acks", "100", "--any-strength")
    assert result.reasons == []
    assert any(tally.refused for tally in result.outcome.tallies.values())
    assert exit_status == 0


def test_a_siege_fails_where_a_limit_is_switched_off(tmp_path: Path):
    off = ("--set", "CHATTERROOM_CHAT_USER_MESSAGES_PER_S=0")
    attacks = ("--attacks", "message-floods", "--acks", "10")
    exit_status, result = besieged(tmp_path, 5, *attacks, *off)
    assert result.reasons == [
        "the attack message-floods was never met by the rule 'rate_limited messages'"
    ]
    assert exit_status == 1
