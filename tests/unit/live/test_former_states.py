"""Former states, within their bounds."""

import itertools

from django_vortex.live.deltas import Patch, make_patch
from django_vortex.live.former_states import FORMER_BYTES, MAX_FORMER, remember, restore
from django_vortex.live.tags import ENTRY_BYTES, ListState, make_state_of_entries


def state(*numbers: int) -> ListState:
    return make_state_of_entries(b"".join(b"%024d" % one for one in numbers), is_one=False)


def test_newest_states_are_remembered_up_to_a_number():
    patches = tuple(Patch(str(number), 0, 0, b"") for number in range(2 * MAX_FORMER))
    assert remember(patches) == patches[:MAX_FORMER]


def test_newest_states_are_remembered_up_to_a_size():
    size = FORMER_BYTES // 2 // ENTRY_BYTES * ENTRY_BYTES
    patches = tuple(Patch(str(number), 0, 0, b"x" * size) for number in range(4))
    kept = remember(patches)
    assert kept == patches[:1]
    assert remember((Patch("large", 0, 0, b"x" * FORMER_BYTES), *patches)) == ()


def test_former_state_is_found_by_its_tag():
    states = [state(1, 2), state(1, 2, 3), state(2, 3), state(1, 2)]
    pairs = itertools.pairwise(states)
    former = tuple(make_patch(one, other) for one, other in pairs)[::-1]
    for one in states[:-1]:
        assert restore(states[-1], former, one.tag) == one
    assert restore(states[-1], former, "another") is None
