from hypothesis import given
from hypothesis import strategies as st

from chatterroom.client.backoff import Backoff, full_jitter


@given(st.integers(0, 10_000), st.floats(0.01, 1.0), st.floats(1.0, 60.0))
def test_a_delay_is_never_above_the_cap_nor_the_doubled_base(attempt, base_s, cap_s):
    delay_s = full_jitter(attempt, base_s, cap_s)
    assert 0 <= delay_s <= cap_s
    assert attempt > 10 or delay_s <= base_s * 2**attempt


def test_delays_grow_until_reset(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    backoff = Backoff(1.0, 5.0)
    assert [backoff.next_delay() for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]
    backoff.reset()
    assert backoff.next_delay() == 1.0
