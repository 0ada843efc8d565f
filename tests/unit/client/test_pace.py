from hypothesis import given
from hypothesis import strategies as st

from chatterroom.client.pace import Pace


@given(
    st.floats(1, 1000),
    st.integers(1, 300),
    st.lists(st.floats(0, 2), min_size=1, max_size=300),
)
def test_whoever_waits_as_told_never_sends_more_than_the_server_allows(per_s, burst, idle):
    pace, now = Pace(per_s, burst, 0.0), 0.0
    allowance, refilled_at = float(burst), 0.0
    for pause_s in idle:
        now += pause_s
        now += pace.delay(now)
        pace.spend(now)
        allowance = min(burst, allowance + (now - refilled_at) * per_s) - 1
        refilled_at = now
        assert allowance > -1e-6


def test_a_burst_needs_no_waiting():
    pace = Pace(10, 3, 0.0)
    delays = []
    for _ in range(4):
        delays.append(pace.delay(0.0))
        pace.spend(0.0)
    assert delays == [0.0, 0.0, 0.0, 0.1]
