from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from django_vortex.live.fair_queue import FairQueue


def take(queue, *passed_over, seconds=1.0):
    turn = queue.get_next(passed_over)
    if turn is None:
        return None
    queue.charge(turn.owner, seconds)
    queue.discard(turn.item)
    return turn.item


def make_queue(*items):
    queue = FairQueue()
    for item in items:
        queue.put(item, item[0])
    return queue


def test_owners_take_turns():
    queue = make_queue("a1", "a2", "a3", "b1", "c1")
    assert [take(queue) for _ in range(6)] == ["a1", "b1", "c1", "a2", "a3", None]


def test_whoever_takes_long_waits_longer():
    queue = make_queue("a1", "a2", "b1", "b2", "b3", "b4")
    taken = [take(queue, seconds=3.5), *(take(queue) for _ in range(5))]
    assert taken == ["a1", "b1", "b2", "b3", "b4", "a2"]


def test_whoever_comes_later_is_not_served_for_what_others_had_before():
    queue = make_queue(*(f"a{number}" for number in range(6)))
    assert [take(queue) for _ in range(3)] == ["a0", "a1", "a2"]
    for item in ("b0", "b1", "b2"):
        queue.put(item, "b")
    assert Counter(take(queue)[0] for _ in range(4)) == {"a": 2, "b": 2}


def test_owners_may_be_passed_over_and_lose_no_turn():
    queue = make_queue("a1", "b1", "b2")
    assert take(queue, "a") == "b1"
    assert take(queue, "a", "b") is None
    assert take(queue) == "a1"


def test_item_waits_once():
    queue = make_queue("a1", "a1")
    assert len(queue) == 1
    assert "a1" in queue
    queue.discard("a1")
    queue.discard("a1")
    assert not queue
    assert queue.get_next(()) is None


def test_looking_takes_nothing():
    queue = make_queue("a1", "b1")
    assert queue.get_next(()).item == queue.get_next("b").item == "a1"
    assert len(queue) == 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans()), max_size=40))
def test_everything_that_is_not_taken_out_is_served_once(steps):
    queue, waiting, served = FairQueue(), set(), []
    for owner, number, is_put in steps:
        item = (owner, number)
        if is_put:
            queue.put(item, owner)
            waiting.add(item)
        elif number % 2:
            queue.discard(item)
            waiting.discard(item)
        elif waiting:
            served.append(take(queue))
            waiting.remove(served[-1])
        assert len(queue) == len(waiting)
    while queue:
        waiting.remove(take(queue))
    assert not waiting
