"""What a siege must leave unharmed."""

from typing import Any

import msgspec
import pytest
from bench.measures import Latency
from siege.front import Attack, Front
from siege.tally import Tally
from siege.verdict import Outcome, reasons
from torture.checker import Verdict, Violation

PASSED = Verdict(
    state="passed", reasons=[], counts={}, violations=[], acked=1, stored=1, faults_in_flight=0
)
CRASHED = msgspec.structs.replace(
    PASSED, state="failed", violations=[Violation("CRASH", "chat-1 ended by itself", [])]
)


async def _nothing(_: Front) -> None:
    """Attack nobody."""


ATTACKS = {
    "big-pages": Attack("may succeed, within a limit", _nothing, met_by="429"),
    "grpc-floods": Attack("may never succeed", _nothing, may_succeed=False),
}
FAST, SLOW = Latency(5, 20, 30, 100), Latency(100, 3_100, 4_000, 100)
STOOD = Outcome(
    history=PASSED,
    failures={},
    sending=FAST,
    delivery=FAST,
    deaths=[],
    is_whole=True,
    grown={},
    tallies={"big-pages": Tally(2, {"taken": 1, "429 rate_limited": 1})},
    broken_attacks={},
)


def test_nothing_speaks_against_a_platform_that_stood():
    assert reasons(STOOD, ATTACKS, p99_s=3.0) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"failures": {"send: rate_limited": 2}}, "2 times an honest user failed"),
        ({"history": CRASHED}, "CRASH"),
        ({"sending": SLOW}, "p99 until acknowledged was 3.10 s"),
        ({"delivery": SLOW}, "p99 until delivered was 3.10 s"),
        ({"delivery": None}, "nothing was delivered"),
        ({"deaths": [("users-1", 1)]}, "users-1 ended with 1"),
        ({"grown": {"gateway": 0.5}}, "gateway holds 50% more memory"),
        ({"broken_attacks": {"half-open": "why"}}, "half-open ended before its time: why"),
        ({"is_whole": False}, "not every process was up"),
        ({"tallies": {"big-pages": Tally()}}, "big-pages sent nothing"),
        ({"tallies": {"big-pages": Tally(1, {"taken": 1})}}, "never met by the rule '429'"),
        ({"tallies": {"grpc-floods": Tally(1, {"taken": 1})}}, "grpc-floods succeeded 1 times"),
    ],
)
def test_each_harm_is_a_reason(changes: dict[str, Any], said: str):
    found = reasons(msgspec.structs.replace(STOOD, **changes), ATTACKS, p99_s=3.0)
    assert len(found) == 1
    assert said in found[0]


def test_attacks_of_any_strength_may_be_weak_but_not_succeed():
    outcome = msgspec.structs.replace(
        STOOD, tallies={"big-pages": Tally(), "grpc-floods": Tally(1, {"taken": 1})}
    )
    assert reasons(outcome, ATTACKS, p99_s=3.0, any_strength=True) == [
        "the attack grpc-floods succeeded 1 times"
    ]
