from hypothesis import given
from hypothesis import strategies as st

from django_vortex.live.sparse_sets import EMPTY, add, remove


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3))))
def test_they_are_sets(steps):
    items, model = EMPTY, set()
    for is_added, item in steps:
        if is_added:
            items = add(items, item)
            model.add(item)
        else:
            items = remove(items, [item])
            model.discard(item)
        assert items == model
        assert (items is EMPTY) == (not model)
    assert not EMPTY
