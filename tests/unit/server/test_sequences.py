from hypothesis import given
from hypothesis import strategies as st

from django_vortex.server import sequences
from django_vortex.server.sequences import Sequences


def test_first_record_of_a_process_says_nothing_of_those_before():
    assert Sequences().take("A", 57) == (True, 0)


def test_missing_and_repeated_records_are_told_apart():
    seen = Sequences()
    seen.take("A", 1)
    assert seen.take("A", 2) == (True, 0)
    assert seen.take("A", 2) == (False, 0)
    assert seen.take("A", 6) == (True, 3)
    assert seen.take("A", 4) == (False, 0)
    assert seen.take("B", 1) == (True, 0)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(sequences, "MAX_SOURCES", 2)
    seen = Sequences()
    for process in "ABC":
        seen.take(process, 1)
    assert seen.take("C", 1) == (False, 0)
    assert seen.take("A", 1) == (True, 0)


@given(st.lists(st.integers(1, 30)))
def test_lost_and_taken_records_are_all_records(numbers):
    seen = Sequences()
    taken = lost = 0
    for number in [0, *numbers]:
        place = seen.take("A", number)
        taken += place.is_new
        lost += place.lost
    assert taken + lost == max([0, *numbers]) + 1
