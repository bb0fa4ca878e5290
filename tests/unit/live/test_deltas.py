"""What has changed between two lists: `find_delta`, and the patches that remember former states."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from django_vortex.live.deltas import find_delta, make_patch
from django_vortex.live.tags import ENTRY_BYTES, ListState, make_state_of_entries

# Few keys and contents, so that they come again and again.
entries = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=14)


def state(rows: list[tuple[int, int]]) -> ListState:
    parts = [b"%08d%016d" % row for row in rows]
    return make_state_of_entries(b"".join(parts), is_one=False)


def in_order(count: int) -> list[tuple[int, int]]:
    return [(number, 0) for number in range(count)]


@given(entries, entries)
def test_delta_says_all_there_is_to_make_one_list_of_the_other(old, new):
    delta = find_delta(state(old), state(new))
    placed = {position: new[position] for position in delta.put}
    placed |= {position: old[place] for position, place in delta.moved}
    leaving = {*delta.gone, *(place for _, place in delta.moved)}
    staying = iter(row for place, row in enumerate(old) if place not in leaving)
    made = [
        placed[position] if position in placed else next(staying) for position in range(len(new))
    ]
    assert made == new
    assert list(staying) == []


@given(entries, entries)
def test_positions_are_in_order_and_none_is_named_twice(old, new):
    delta = find_delta(state(old), state(new))
    places = [*delta.gone, *(place for _, place in delta.moved)]
    positions = [*delta.put, *(position for position, _ in delta.moved)]
    assert len(set(places)) == len(places)
    assert len(set(positions)) == len(positions)
    assert list(delta.gone) == sorted(delta.gone)
    assert list(delta.put) == sorted(delta.put)
    assert len(delta.was) == len(delta.put)


@given(entries, entries)
def test_former_version_of_a_row_has_the_same_key_and_is_gone(old, new):
    delta = find_delta(state(old), state(new))
    for position, place in zip(delta.put, delta.was, strict=True):
        if place is not None:
            assert old[place][0] == new[position][0]
            assert old[place][1] != new[position][1]
            assert place in delta.gone


@given(entries)
def test_nothing_is_said_of_equal_lists(rows):
    delta = find_delta(state(rows), state(rows))
    assert (delta.gone, delta.put, delta.was, delta.moved) == ([], [], [], [])


def test_changed_row_is_put_where_it_was():
    new = in_order(1000)
    new[500] = (500, 1)
    delta = find_delta(state(in_order(1000)), state(new))
    assert (delta.gone, delta.put, delta.was, delta.moved) == ([500], [500], [500], [])


def test_row_that_goes_to_the_end_is_the_only_one_that_moves():
    rows = in_order(1000)
    delta = find_delta(state(rows), state(rows[1:] + rows[:1]))
    assert (delta.gone, delta.put, list(delta.moved)) == ([], [], [(999, 0)])


def test_new_first_row_moves_no_other():
    delta = find_delta(state(in_order(1000)), state([(5000, 0), *in_order(1000)]))
    assert (delta.gone, delta.put, delta.was, delta.moved) == ([], [0], [None], [])


def test_row_without_a_key_that_comes_again_is_told_apart_by_its_number():
    delta = find_delta(state([(1, 1), (1, 1)]), state([(1, 1), (1, 1), (1, 1)]))
    assert (delta.gone, delta.put, delta.was) == ([], [2], [None])


@given(entries, entries)
def test_patch_restores_the_former_state(old, new):
    patch = make_patch(state(old), state(new))
    assert patch.restore(state(new)) == state(old)


def test_patch_of_a_changed_row_takes_one_entry():
    new = in_order(1000)
    new[500] = (500, 1)
    assert len(make_patch(state(in_order(1000)), state(new)).entries) == ENTRY_BYTES


@given(st.lists(entries, min_size=2, max_size=6))
def test_chain_of_patches_leads_back_to_the_first_state(lists):
    states = [state(one) for one in lists]
    patches = [make_patch(one, other) for one, other in pairwise(states)]
    found = states[-1]
    for patch, expected in zip(reversed(patches), reversed(states[:-1]), strict=True):
        found = patch.restore(found)
        assert found == expected
