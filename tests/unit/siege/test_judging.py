"""What a siege must leave unharmed."""

from typing import Any

import pytest
from siege.judging import Latency, has_grown, latency, reasons_against
from torture.checker import Verdict, Violation
from torture.records import Record, Send

MIB = 1024 * 1024
PASSED = Verdict(
    state="passed", reasons=[], counts={}, violations=[], acked=1, stored=1, faults_in_flight=1
)
FAST = Latency(0.01, 0.02, 0.03)


def send(event: Any, client_id: str, at_s: float) -> Record:
    t = int(at_s * 1e9)
    return Send(t=t, client="u1", event=event, user="u", conversation="c", client_id=client_id)


def reasons(**changes: Any) -> list[str]:
    asked: dict[str, Any] = {
        "verdict": PASSED,
        "times": FAST,
        "p99_bound_s": 2.0,
        "refused": 0,
        "unanswered": 0,
        "memory": {"chat-1": (100 * MIB, 110 * MIB)},
    }
    return reasons_against(**(asked | changes))


def test_a_send_takes_from_its_first_attempt_to_its_acknowledgement():
    records = [
        send("invoke", "a", 1.0),
        send("info", "a", 2.0),
        send("invoke", "a", 2.5),
        send("ok", "a", 4.0),
        send("invoke", "b", 1.0),
        send("fail", "b", 1.5),
    ]
    times, refused = latency(reversed(records))
    assert (times.max_s, refused) == (3.0, 1)


def test_nothing_speaks_against_a_platform_that_stood():
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"times": Latency(0.1, 2.1, 3.0)}, "above 2 s"),
        ({"refused": 1}, "were refused"),
        ({"unanswered": 2}, "still waited"),
        ({"memory": {"chat-1": (100 * MIB, 130 * MIB)}}, "chat-1 holds 130 MiB"),
        (
            {
                "verdict": Verdict(
                    state="failed",
                    reasons=[],
                    counts={"CRASH": 1},
                    violations=[Violation("CRASH", "chat-1 ended by itself", [])],
                    acked=1,
                    stored=1,
                    faults_in_flight=1,
                )
            },
            "CRASH",
        ),
    ],
)
def test_each_harm_is_a_reason(changes: dict[str, Any], said: str):
    assert any(said in reason for reason in reasons(**changes))


def test_a_small_process_may_grow_by_some_mib():
    assert not has_grown(10 * MIB, 17 * MIB)
    assert has_grown(10 * MIB, 19 * MIB)
    assert not has_grown(200 * MIB, 239 * MIB)
