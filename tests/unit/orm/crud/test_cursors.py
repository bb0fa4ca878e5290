import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import ValidationError
from django_vortex.orm.crud.cursors import make_cursor, read_cursor
from django_vortex.orm.store import Order
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect

CODEC = Codec(TupleRegistry())
ORDERS = {name: (Order(name, is_nullable=True), Order("id")) for name in ("points", "title")} | {
    "id": (Order("id"),)
}


def spell(content: Any) -> str:
    """Write a cursor as the package writes it."""
    text = CODEC.encode_json(CODEC.encode_value(content, Dialect.NATIVE), Dialect.NATIVE)
    return base64.urlsafe_b64encode(text).decode("ascii")


CONTENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("points,id"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
GARBAGE = (
    st.text()
    | st.binary()
    | st.integers()
    | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode())
    | CONTENTS
    | CONTENTS.map(spell)
    | st.lists(CONTENTS, max_size=3).map(lambda values: spell(["points,id", values]))
)


@given(GARBAGE)
def test_garbage_is_no_cursor_and_raises_nothing_else(cursor: Any):
    try:
        place = read_cursor(cursor, ORDERS["points"], CODEC)
    except ValidationError as error:
        assert "is no cursor of this list - at `filt.after`" in str(error)
    else:  # hypothesis may find one
        assert base64.urlsafe_b64decode(cursor).startswith(b'["points,id",')
        assert len(place) == 2


@pytest.mark.parametrize("place", [[None, 1], [5, 1], ["a", "b"], [1.5, 2**70]])
def test_the_place_comes_back(place: list[Any]):
    cursor = make_cursor(ORDERS["points"], place, CODEC)
    assert read_cursor(cursor, ORDERS["points"], CODEC) == place


@pytest.mark.parametrize(
    ("order", "content"),
    [
        ("points", ["-points,id", [1, 1]]),
        ("points", ["points", [1, 1]]),
        ("points", ["points,id", [1]]),
        ("points", ["points,id", [1, 1, 1]]),
        ("points", ["points,id", [1, [1]]]),
        ("points", ["points,id", [1, None]]),
        ("points", ["points,id", [{}, 1]]),
        ("title", ["points,id", [1, 1]]),
        ("id", ["points,id", [1, 1]]),
    ],
)
def test_a_cursor_of_another_list_is_none(order: str, content: Any):
    with pytest.raises(ValidationError, match="is no cursor of this list"):
        read_cursor(spell(content), ORDERS[order], CODEC)
