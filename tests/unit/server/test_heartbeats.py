import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.server.heartbeats import Heartbeats


def test_period_is_cut_into_tenths_of_a_second():
    assert Heartbeats(5.0).tick_seconds == 0.1
    assert Heartbeats(0.04).tick_seconds == 0.04


def test_member_that_left_is_not_served():
    wheel = Heartbeats(1.0)
    slot = wheel.add("a")
    wheel.remove("a", slot)
    wheel.remove("a", slot)
    served = []
    for _ in range(20):
        wheel.tick(served.append)
    assert served == []


def test_member_may_leave_while_it_is_served():
    wheel = Heartbeats(0.1)
    slots = {}
    served = []

    def serve(member):
        served.append(member)
        wheel.remove("b", slots["b"])

    for member in "ab":
        slots[member] = wheel.add(member)
    wheel.tick(serve)
    wheel.tick(serve)
    assert served.count("a") == 2
    assert served.count("b") <= 1


@given(st.lists(st.integers(0, 15), max_size=20))
def test_every_member_is_served_once_in_each_period_after_a_whole_one(joins):
    wheel = Heartbeats(1.0)
    served = {}
    joined = {}
    for tick in range(60):
        for member, at in enumerate(joins):
            if at == tick:
                wheel.add(member)
                joined[member] = tick
        wheel.tick(lambda member, tick=tick: served.setdefault(member, []).append(tick + 1))
    for member, at in joined.items():
        assert served[member] == list(range(at + 10, 61, 10))


def test_ticks_that_the_loop_was_late_for_are_made_up_for():
    wheel = Heartbeats(1.0)  # ten ticks
    assert wheel.begin(now=50.0) == 0.1
    assert wheel.count_due(now=50.1) == 1
    assert wheel.count_due(now=50.45) == 3  # of 50.2, 50.3 and 50.4
    assert wheel.begin(now=50.45) == pytest.approx(0.05)
    assert wheel.count_due(now=50.5) == 1


def test_delay_longer_than_a_period_serves_everybody_once():
    wheel = Heartbeats(1.0)
    wheel.begin(now=50.0)
    assert wheel.count_due(now=99.0) == 10
    assert wheel.begin(now=99.0) == pytest.approx(0.1)
    assert wheel.count_due(now=99.1) == 1


@given(st.lists(st.floats(0.0, 0.4), min_size=1, max_size=60))
def test_no_delay_adds_to_another(delays):
    wheel = Heartbeats(1.0)
    now, ticks = 0.0, 0
    for delay in delays:
        now += wheel.begin(now) + delay
        ticks += wheel.count_due(now)
    assert ticks == pytest.approx(now / wheel.tick_seconds, abs=1.001)
