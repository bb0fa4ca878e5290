from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from django_vortex.live.change_log import ChangeLog


def test_each_arrival_has_a_position():
    log = ChangeLog()
    assert log.position == 0
    assert log.append(["a", "b"]) == 1
    assert log.append(["c"]) == log.position == 2
    assert sorted(log.since(0)) == ["a", "b", "c"]
    assert log.since(1) == ["c"]
    assert log.since(2) == []


def test_what_is_forgotten_is_not_known():
    log = ChangeLog()
    log.append(["a"])
    log.append(["b"])
    log.forget(1)
    assert log.since(0) is None
    assert log.since(1) == ["b"]


def test_what_is_lost_is_not_known_and_has_a_position():
    log = ChangeLog()
    log.append(["a"])
    assert log.lose() == log.position == 2
    assert log.since(1) is None
    assert log.since(2) == []


def test_only_so_much_is_kept():
    log = ChangeLog(max_changes=3)
    for change in ("a", "b", "c", "d"):
        log.append([change])
    assert log.since(0) is None
    assert len(log.since(1)) == 3
    log.append(["much"] * 4)
    assert log.since(4) is None
    assert log.since(5) == []


@given(st.lists(st.lists(st.integers(), max_size=3), max_size=12), st.integers(0, 12))
def test_what_is_known_is_everything_that_has_arrived(arrivals, position):
    log = ChangeLog(max_changes=6)
    for changes in arrivals:
        log.append(changes)
    since = log.since(min(position, log.position))
    if since is not None:
        assert sorted(since) == sorted(chain.from_iterable(arrivals[position:]))
