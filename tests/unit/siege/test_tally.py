"""What is counted of an attack."""

from siege.tally import NO_ANSWER, TAKEN, Tally, rule_of


def test_a_refusal_is_named_by_status_code_and_policy():
    assert rule_of(200, b"{}") == TAKEN
    assert rule_of(0, b"") == NO_ANSWER
    assert (
        rule_of(429, b'{"code":"rate_limited","policy":"messages"}') == "429 rate_limited messages"
    )
    assert rule_of(413, b'{"code":"body_too_large"}') == "413 body_too_large"
    assert rule_of(502, b"<html>") == "502"


def test_what_is_taken_is_apart_from_what_is_refused():
    tally = Tally()
    tally.note(TAKEN, 3)
    tally.note("429 rate_limited")
    tally.note("400 invalid_request", 2)
    assert (tally.sent, tally.taken) == (6, 3)
    assert list(tally.refused.items()) == [("400 invalid_request", 2), ("429 rate_limited", 1)]
