"""Exactly-once sends, against a server that answers, refuses and hangs up as it likes."""

from hypothesis import given
from hypothesis import strategies as st

from chatterroom.client.outbox import Outbox, Outgoing


def put(outbox: Outbox, *refs: str, lane: str = "tea", repeatable: bool = True) -> None:
    for ref in refs:
        outbox.put(Outgoing(ref, lane, ref.encode(), repeatable))


def due(outbox: Outbox, now: float = 0.0) -> list[str]:
    refs = []
    while (command := outbox.next_due(now)) is not None:
        refs.append(command.ref)
    return refs


def test_commands_are_sent_once_per_connection_in_order_until_they_are_answered():
    outbox = Outbox()
    put(outbox, "1", "2", "3")
    assert due(outbox) == ["1", "2", "3"]
    assert due(outbox) == []
    outbox.answered("2")
    assert outbox.disconnected() == []
    assert due(outbox) == ["1", "3"]


def test_what_cannot_be_repeated_is_given_up_where_it_had_been_sent():
    outbox = Outbox()
    put(outbox, "1", repeatable=False)
    assert due(outbox) == ["1"]
    put(outbox, "2", repeatable=False)
    assert outbox.disconnected() == ["1"]
    assert due(outbox) == ["2"]


def test_a_postponed_command_holds_up_its_lane_and_no_other():
    outbox = Outbox()
    put(outbox, "1", "2")
    assert due(outbox) == ["1", "2"]
    put(outbox, "3")
    put(outbox, "other", lane="lunch")
    outbox.postpone("1", until=5.0)
    assert due(outbox, now=4.0) == ["other"]
    assert outbox.next_time(4.0) == 5.0
    assert due(outbox, now=5.0) == ["1"]
    outbox.answered("1")
    assert due(outbox, now=5.0) == ["3"]


def test_after_a_refusal_a_lane_goes_one_by_one():
    outbox = Outbox()
    put(outbox, "1", "2", "3")
    due(outbox)
    for ref in ("1", "2", "3"):
        outbox.postpone(ref, until=1.0)
    for ref in ("1", "2", "3"):
        assert due(outbox, now=1.0) == [ref]
        assert outbox.next_time(1.0) is None
        outbox.answered(ref)
    assert len(outbox) == 0


def test_nobody_waits_any_more_for_a_command_that_was_not_sent():
    outbox = Outbox()
    put(outbox, "1", "2")
    outbox.answered("1")
    assert due(outbox) == ["2"]


def test_late_and_unknown_answers_are_harmless():
    outbox = Outbox()
    outbox.answered("nobody")
    outbox.postpone("nobody", 1.0)
    assert outbox.get("nobody") is None


STEPS = ("send", "store and answer", "store and lose the answer", "hang up")


@given(st.lists(st.sampled_from("ab"), max_size=12), st.lists(st.sampled_from(STEPS)))
def test_everything_is_stored_once_and_in_order_however_often_the_server_hangs_up(lanes, plan):
    outbox, stored, on_the_wire = Outbox(), {"a": [], "b": []}, []
    for number, lane in enumerate(lanes):
        put(outbox, f"{number}", lane=lane)

    def take(step: str) -> None:
        if step == "send" and (command := outbox.next_due(0.0)) is not None:
            on_the_wire.append(command)
        elif step.startswith("store") and on_the_wire:
            command = on_the_wire.pop(0)
            if command.ref not in stored[command.lane]:
                stored[command.lane].append(command.ref)
            if step == "store and answer":
                outbox.answered(command.ref)
        if step in {"store and lose the answer", "hang up"}:
            on_the_wire.clear()
            assert outbox.disconnected() == []

    for step in [*plan, "hang up"]:
        take(step)
    while len(outbox):
        take("send")
        take("store and answer")
    for lane, refs in stored.items():
        assert refs == [f"{number}" for number, each in enumerate(lanes) if each == lane]


@given(
    st.integers(0, 8),
    st.lists(st.tuples(st.integers(1, 4), st.none() | st.floats(0, 3)), max_size=20),
)
def test_a_passing_refusal_lets_only_those_already_under_way_overtake(length, plan):
    outbox, stored, on_the_wire, now = Outbox(), [], [], 0.0
    behind: dict[str, set[str]] = {f"{number}": set() for number in range(length)}
    put(outbox, *behind)
    plan = [*plan, *[(1, None)] * 8 * length]
    for sends, refused_for_s in plan:
        now += 1.0
        for _ in range(sends):
            if (command := outbox.next_due(now)) is not None:
                on_the_wire.append(command.ref)
        if on_the_wire:
            ref = on_the_wire.pop(0)
            if refused_for_s is None:
                stored.append(ref)
                outbox.answered(ref)
            else:
                behind[ref].update(on_the_wire)
                outbox.postpone(ref, now + refused_for_s)
    assert sorted(stored, key=int) == list(behind)
    for place, ref in enumerate(stored):
        assert {other for other in stored[:place] if int(other) > int(ref)} <= behind[ref]
