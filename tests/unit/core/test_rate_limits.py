"""Rate limits: the arithmetic, with a controlled clock."""

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.rate_limits import ConnectionLimit, Policy, RateLimiter, RateLimitUsage


def spend(limiter, key="k", now=0.0):
    usage = RateLimitUsage()
    try:
        limiter.spend(key, now, usage)
    except ChatterRoomError as error:
        return error.retry_after_s, usage
    return None, usage


def test_a_burst_passes_and_the_next_waits_for_the_refill():
    limiter = RateLimiter(Policy("p", per_s=2.0, burst=3))
    assert [spend(limiter)[0] for _ in range(3)] == [None] * 3
    assert spend(limiter)[0] == pytest.approx(0.5)
    with pytest.raises(ChatterRoomError) as refused:
        limiter.spend("k", 0.0, RateLimitUsage())
    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert spend(limiter, now=0.4)[0] == pytest.approx(0.1)
    assert spend(limiter, now=0.5)[0] is None
    assert spend(limiter, now=0.5)[0] == pytest.approx(0.5)


def test_what_is_refused_costs_nothing():
    limiter = RateLimiter(Policy("p", per_s=1.0, burst=1))
    assert spend(limiter)[0] is None
    for _ in range(100):
        assert spend(limiter)[0] is not None
    assert spend(limiter, now=1.0)[0] is None


def test_a_long_pause_gives_one_burst_and_no_more():
    limiter = RateLimiter(Policy("p", per_s=100.0, burst=5))
    assert [spend(limiter, now=1000.0)[0] is None for _ in range(6)] == [True] * 5 + [False]
    assert [spend(limiter, now=9000.0)[0] is None for _ in range(6)] == [True] * 5 + [False]


def test_keys_do_not_share():
    limiter = RateLimiter(Policy("p", per_s=1.0, burst=1))
    assert spend(limiter, "a")[0] is None
    assert spend(limiter, "b")[0] is None
    assert spend(limiter, "a")[0] is not None


def test_a_rate_of_zero_limits_nothing_and_says_nothing():
    limiter = RateLimiter(Policy("p", per_s=0.0, burst=1))
    for _ in range(10):
        wait_s, usage = spend(limiter)
        assert wait_s is None
        assert usage.headers() == ()


def test_headers_tell_what_is_left():
    limiter = RateLimiter(Policy("user", per_s=2.0, burst=4))
    usage = RateLimitUsage()
    limiter.spend("k", 0.0, usage)
    RateLimiter(Policy("address", per_s=10.0, burst=5)).spend("k", 0.0, usage)
    assert usage.headers() == (
        (b"ratelimit-policy", b'"user";q=4;w=2, "address";q=5;w=1'),
        (b"ratelimit", b'"user";r=3;t=1, "address";r=4;t=1'),
    )
    for _ in range(3):
        spend(limiter)
    _, refused = spend(limiter)
    assert dict(refused.headers())[b"ratelimit"] == b'"user";r=0;t=2'


def test_memory_is_bounded_and_the_active_are_remembered():
    limiter = RateLimiter(Policy("p", per_s=0.001, burst=1), max_keys=100)
    for n in range(10_000):
        spend(limiter, f"key {n}")
        spend(limiter, "busy")
        assert limiter.remembered() <= 200
        if n:
            assert spend(limiter, "busy")[0] is not None


def test_a_connection_limit_counts_what_is_held():
    limit = ConnectionLimit("user", 2)
    limit.take("a")
    limit.check("a")
    limit.take("a")
    with pytest.raises(ChatterRoomError):
        limit.check("a")
    limit.check("b")
    limit.give_back("a")
    limit.check("a")
    ConnectionLimit("user", 0).check("a")


def test_what_was_used_beyond_the_limit_is_refilled_first():
    limiter = RateLimiter(Policy("bytes", per_s=10.0, burst=100))
    limiter.spend("k", 0.0, cost=0)
    limiter.charge("k", 0.0, 150)
    with pytest.raises(ChatterRoomError) as refused:
        limiter.spend("k", 0.0, cost=0)
    assert refused.value.retry_after_s == pytest.approx(5.0)
    limiter.spend("k", 5.0, cost=0)
    limiter.spend("other", 0.0, cost=0)


def test_a_larger_cost_takes_more_and_a_refund_gives_it_back():
    limiter = RateLimiter(Policy("bytes", per_s=10.0, burst=100))
    limiter.spend("k", 0.0, cost=80)
    with pytest.raises(ChatterRoomError) as refused:
        limiter.spend("k", 0.0, cost=40)
    assert refused.value.retry_after_s == pytest.approx(2.0)
    limiter.refund("k", cost=80)
    limiter.spend("k", 0.0, cost=100)
