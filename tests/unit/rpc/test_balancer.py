from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatterroom.rpc.balancer import FAILURES_TO_OPEN, MAX_OPEN_S, OPEN_S, Balancer, Instance

ALL = [Instance(f"host:{port}") for port in range(1, 6)]
instances = st.lists(st.sampled_from(ALL), unique=True, min_size=1)


def balancer_of(some):
    balancer = Balancer()
    balancer.replace(some)
    return balancer


def fail(balancer, instance, now, times=1):
    for _ in range(times):
        balancer.started(instance)
        balancer.ended(instance, now, healthy=False)


def test_nothing_known_means_nothing_picked():
    assert Balancer().pick(0.0) is None


@given(instances)
def test_an_empty_list_is_ignored(some):
    balancer = balancer_of(some)
    balancer.replace([])
    assert balancer.instances() == some


@given(instances, instances)
def test_a_new_list_takes_the_place_of_the_old(old, new):
    balancer = balancer_of(old)
    balancer.replace(new)
    assert balancer.instances() == new


@given(instances, st.text())
def test_the_same_key_gets_the_same_instance_whatever_the_order_of_the_list(some, key):
    picked = balancer_of(some).pick(0.0, key=key)
    assert picked in some
    assert balancer_of(reversed(some)).pick(99.0, key=key) == picked


@given(instances, st.text(), st.data())
def test_an_instance_that_leaves_moves_only_its_own_keys(some, key, data):
    balancer = balancer_of(some)
    before = balancer.pick(0.0, key=key)
    gone = data.draw(st.sampled_from(some))
    balancer.replace([instance for instance in some if instance != gone])
    if before != gone:
        assert balancer.pick(0.0, key=key) == before


def test_keys_are_spread_over_all_instances():
    balancer = balancer_of(ALL)
    counts = [0] * len(ALL)
    for number in range(2000):
        counts[ALL.index(balancer.pick(0.0, key=str(number)))] += 1
    assert min(counts) > 250


@given(instances, st.data())
def test_instances_to_avoid_come_last(some, data):
    avoid = data.draw(st.lists(st.sampled_from(some), unique=True))
    picked = balancer_of(some).pick(0.0, avoid=[instance.service_url for instance in avoid])
    assert picked is not None
    assert picked not in avoid or len(avoid) == len(some)


def test_of_two_the_less_busy_is_picked():
    balancer = balancer_of(ALL[:2])
    balancer.started(ALL[0])
    assert {balancer.pick(0.0) for _ in range(20)} == {ALL[1]}


def test_an_instance_that_keeps_failing_is_left_out_and_then_tried_by_one_call():
    balancer = balancer_of(ALL[:1])
    fail(balancer, ALL[0], 0.0, FAILURES_TO_OPEN)
    assert balancer.pick(OPEN_S / 2) is None
    assert balancer.pick(OPEN_S) == ALL[0]
    balancer.started(ALL[0])
    assert balancer.pick(OPEN_S) is None
    balancer.ended(ALL[0], OPEN_S, healthy=True)
    assert balancer.pick(OPEN_S) == ALL[0]


def test_the_pause_doubles_up_to_a_limit():
    balancer = balancer_of(ALL[:1])
    fail(balancer, ALL[0], 0.0, FAILURES_TO_OPEN + 1)
    assert balancer.pick(OPEN_S * 1.5) is None
    assert balancer.pick(OPEN_S * 2) == ALL[0]
    fail(balancer, ALL[0], 0.0, 50)
    assert balancer.pick(MAX_OPEN_S) == ALL[0]


def test_a_success_between_failures_keeps_the_breaker_closed():
    balancer = balancer_of(ALL[:1])
    for _ in range(10):
        fail(balancer, ALL[0], 0.0, FAILURES_TO_OPEN - 1)
        balancer.started(ALL[0])
        balancer.ended(ALL[0], 0.0, healthy=True)
    assert balancer.pick(0.0) == ALL[0]


def test_an_instance_that_stays_in_the_list_stays_left_out():
    balancer = balancer_of(ALL[:2])
    fail(balancer, ALL[0], 0.0, FAILURES_TO_OPEN)
    balancer.replace(ALL[:3])
    assert ALL[0] not in {balancer.pick(0.0) for _ in range(50)}


class Breakers(RuleBasedStateMachine):
    """An open breaker is never picked, whatever happened before."""

    def __init__(self):
        super().__init__()
        self.balancer = balancer_of(ALL)
        self.now = 0.0
        self.failures = dict.fromkeys(ALL, 0)
        self.open_until = dict.fromkeys(ALL, 0.0)

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds):
        self.now += seconds

    @rule(instance=st.sampled_from(ALL), healthy=st.booleans())
    def call(self, instance, healthy):
        self.balancer.started(instance)
        self.balancer.ended(instance, self.now, healthy=healthy)
        self.failures[instance] = 0 if healthy else self.failures[instance] + 1
        excess = self.failures[instance] - FAILURES_TO_OPEN
        if excess >= 0:
            self.open_until[instance] = self.now + min(MAX_OPEN_S, OPEN_S * 2 ** min(excess, 10))

    @invariant()
    def open_ones_are_left_out(self):
        is_open = {
            instance
            for instance in ALL
            if self.failures[instance] >= FAILURES_TO_OPEN and self.now < self.open_until[instance]
        }
        for key in (None, "a", "b", "c"):
            picked = self.balancer.pick(self.now, key=key)
            assert picked not in is_open
            assert (picked is None) == (len(is_open) == len(ALL))


TestBreakers = Breakers.TestCase
