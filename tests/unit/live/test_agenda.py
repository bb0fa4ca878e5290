from hypothesis import given
from hypothesis import strategies as st

from django_vortex.live.agenda import Agenda

STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "discard", "pop"]), st.integers(0, 4), st.integers(0, 9))
)


def test_what_is_put_twice_is_due_at_the_earlier_time():
    agenda = Agenda()
    agenda.put("a", 5.0)
    agenda.put("a", 3.0)
    agenda.put("a", 4.0)
    assert agenda.next_time == 3.0
    assert agenda.pop_due(3.0, 9) == ["a"]
    assert agenda.next_time is None


def test_no_more_is_taken_than_asked_for():
    agenda = Agenda()
    for item, time in (("a", 3.0), ("b", 1.0), ("c", 2.0), ("d", 9.0)):
        agenda.put(item, time)
    assert agenda.pop_due(5.0, 2) == ["b", "c"]
    assert agenda.next_time == 3.0
    assert agenda.pop_due(5.0, 2) == ["a"]


@given(STEPS)
def test_agenda_is_what_a_dictionary_would_be(steps):
    agenda, model = Agenda(), {}
    for kind, item, time in steps:
        if kind == "put":
            agenda.put(item, time)
            model[item] = min(time, model.get(item, time))
        elif kind == "discard":
            agenda.discard(item)
            model.pop(item, None)
        else:
            due = agenda.pop_due(time, 99)
            assert set(due) == {one for one in model if model[one] <= time}
            times = [model.pop(one) for one in due]
            assert times == sorted(times)
        assert agenda.next_time == min(model.values(), default=None)


def test_what_was_taken_off_is_not_kept_for_ever():
    agenda = Agenda()
    for number in range(10_000):
        agenda.put(number, 1e9)
        agenda.discard(number)
    assert len(agenda._heap) < 200
