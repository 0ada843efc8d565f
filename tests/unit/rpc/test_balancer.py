from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatterroom.rpc.balancer import FAILURES_TO_OPEN, Balancer, Instance

ALL = [Instance(f"host:{port}") for port in range(1, 6)]
instances = st.lists(st.sampled_from(ALL), unique=True, min_size=1)


def balancer_of(some):
    balancer = Balancer()
    balancer.replace(some)
    return balancer


def fail(balancer, instance, times=FAILURES_TO_OPEN):
    for _ in range(times):
        balancer.checked(instance, healthy=False)


def test_nothing_known_means_nothing_picked():
    assert Balancer().pick() is None


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
    picked = balancer_of(some).pick(key=key)
    assert picked in some
    assert balancer_of(reversed(some)).pick(key=key) == picked


@given(instances, st.text(), st.data())
def test_an_instance_that_leaves_moves_only_its_own_keys(some, key, data):
    balancer = balancer_of(some)
    before = balancer.pick(key=key)
    gone = data.draw(st.sampled_from(some))
    balancer.replace([instance for instance in some if instance != gone])
    if before != gone:
        assert balancer.pick(key=key) == before


def test_keys_are_spread_over_all_instances():
    balancer = balancer_of(ALL)
    counts = [0] * len(ALL)
    for number in range(2000):
        counts[ALL.index(balancer.pick(key=str(number)))] += 1
    assert min(counts) > 250


@given(instances, st.data())
def test_instances_to_avoid_come_last(some, data):
    avoid = data.draw(st.lists(st.sampled_from(some), unique=True))
    picked = balancer_of(some).pick(avoid=[instance.service_url for instance in avoid])
    assert picked is not None
    assert picked not in avoid or len(avoid) == len(some)


def test_of_two_the_less_busy_is_picked():
    balancer = balancer_of(ALL[:2])
    balancer.started(ALL[0])
    assert {balancer.pick() for _ in range(20)} == {ALL[1]}


def test_an_instance_that_fails_checks_is_left_out_until_one_succeeds():
    balancer = balancer_of(ALL[:1])
    fail(balancer, ALL[0])
    assert balancer.pick() is None
    assert not balancer.admits(ALL[0])
    balancer.checked(ALL[0], healthy=True)
    assert balancer.pick() == ALL[0]


def test_calls_however_they_end_open_no_breaker():
    balancer = balancer_of(ALL[:1])
    for _ in range(100):
        balancer.started(ALL[0])
        balancer.ended(ALL[0])
    assert balancer.pick() == ALL[0]


def test_a_success_between_failures_keeps_the_breaker_closed():
    balancer = balancer_of(ALL[:1])
    for _ in range(10):
        fail(balancer, ALL[0], FAILURES_TO_OPEN - 1)
        balancer.checked(ALL[0], healthy=True)
    assert balancer.pick() == ALL[0]


def test_an_instance_that_stays_in_the_list_stays_left_out():
    balancer = balancer_of(ALL[:2])
    fail(balancer, ALL[0])
    balancer.replace(ALL[:3])
    assert ALL[0] not in {balancer.pick() for _ in range(50)}


def test_an_instance_that_is_not_known_is_neither_checked_nor_admitted():
    balancer = balancer_of(ALL[:1])
    balancer.checked(ALL[1], healthy=True)
    assert not balancer.admits(ALL[1])


class Breakers(RuleBasedStateMachine):
    """An open breaker is never picked, whatever happened before."""

    def __init__(self):
        super().__init__()
        self.balancer = balancer_of(ALL)
        self.failures = dict.fromkeys(ALL, 0)

    @rule(instance=st.sampled_from(ALL), healthy=st.booleans())
    def check(self, instance, healthy):
        self.balancer.checked(instance, healthy=healthy)
        self.failures[instance] = 0 if healthy else self.failures[instance] + 1

    @rule(instance=st.sampled_from(ALL))
    def call(self, instance):
        self.balancer.started(instance)
        self.balancer.ended(instance)

    @invariant()
    def open_ones_are_left_out(self):
        is_open = {each for each in ALL if self.failures[each] >= FAILURES_TO_OPEN}
        for key in (None, "a", "b", "c"):
            picked = self.balancer.pick(key=key)
            assert picked not in is_open
            assert (picked is None) == (len(is_open) == len(ALL))


TestBreakers = Breakers.TestCase
