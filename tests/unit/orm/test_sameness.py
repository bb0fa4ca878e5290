"""What counts as unchanged."""

import copy
import datetime as dt
import enum
import math
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.orm.sameness import is_same
from django_vortex.tuples import Tuple

MOMENT = dt.datetime(2024, 1, 2, 3, 4, 5, 678_901, dt.UTC)
CUT = MOMENT.replace(microsecond=678_000)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, 1.0, 1.5, float("inf")])
    | st.text("ab", max_size=2)
    | st.binary(max_size=2)
    | st.decimals(allow_nan=False, places=1, min_value=-2, max_value=2)
    | st.datetimes(MOMENT.replace(tzinfo=None), dt.datetime(2024, 1, 3), timezones=st.none())
    | st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=5))]))
    | st.dates()
    | st.timedeltas()
    | st.uuids()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3)
    ),
    max_leaves=5,
)


LONG = dt.timedelta(days=1_373_327, microseconds=182)
"""More than a float holds."""


class State(enum.StrEnum):
    OPEN = "open"


class Point(Tuple):
    x: int
    y: int


class Line(Tuple):
    points: list[Point]


class Row(SimpleNamespace):
    """A model that is registered as a tuple type."""


@pytest.mark.parametrize(
    ("ours", "theirs", "exactly", "nearly"),
    [
        (MOMENT.replace(tzinfo=None), MOMENT, False, True),
        (MOMENT.replace(tzinfo=None), MOMENT + dt.timedelta(seconds=1), False, False),
        (LONG, dt.timedelta(seconds=LONG.total_seconds()), False, True),
        (LONG, LONG + dt.timedelta(seconds=1), False, False),
        (0.0, -0.0, False, True),
        (math.nan, float("nan"), True, True),
        (Decimal("nan"), Decimal("nan"), True, True),
        (Decimal("1"), Decimal("snan"), False, False),
        (State.OPEN, "open", True, True),
        (State.OPEN, "done", False, False),
        ({"a": 1}, {"a": 1.0}, False, True),
        ({"a": math.nan}, {"a": float("nan")}, True, True),
        (1, 1, True, True),
        (math.nan, math.nan, True, True),
        (1, 2, False, False),
        (1, True, False, False),
        (0, False, False, False),
        (1, 1.0, False, True),
        (None, 0, False, False),
        ("1", 1, False, False),
        (MOMENT, CUT, False, True),
        (CUT, MOMENT, False, True),
        (MOMENT, CUT - dt.timedelta(milliseconds=1), False, False),
        (CUT, CUT + dt.timedelta(milliseconds=1), False, False),
        (MOMENT, MOMENT.replace(tzinfo=None), False, True),
        (MOMENT, MOMENT.astimezone(dt.timezone(dt.timedelta(hours=5))), True, True),
        (Decimal("0.1"), Decimal("0.1"), True, True),
        (Decimal("1.1000000000000000001"), Decimal("1.1"), False, True),
        (Decimal("1.1"), Decimal("1.2"), False, False),
        ([1, 2], [1, 2], True, True),
        ([1, 2], [1], False, False),
        ([1, 2], [2, 1], False, False),
        ([MOMENT], [CUT], False, True),
        ({"x": 1, "y": 2}, {"y": 2, "x": 1}, True, True),
        ({"x": 1}, {"x": 1, "y": None}, False, False),
        ({"x": 1, "y": None}, {"x": 1}, False, False),
        ({"x": True}, {"x": 1}, False, False),
        ({"x": [1]}, {"x": [1.0]}, False, True),
        ({"x": 1, "y": 2}, Point(x=1, y=2), True, True),
        ({"x": 1, "y": 3}, Point(x=1, y=2), False, False),
        ({"x": 1, "y": 2, "more": 3}, Point(x=1, y=2), True, True),
        ({"points": [{"x": 1, "y": 2}]}, Line(points=[Point(x=1, y=2)]), True, True),
        ({"points": [{"x": 1, "y": 2}]}, Line(points=[Point(x=1, y=True)]), False, False),
        (None, Point(x=None, y=None), False, False),
        ({"x": 1, "y": 2}, Row(x=1, y=2), True, True),
        ({"x": 1, "y": 3}, Row(x=1, y=2), False, False),
        ({"x": 1, "y": 2}, Row(x=1), False, False),
        ({"points": [{"x": 1}]}, Row(points=[Row(x=1.0)]), False, True),
        (1, Row(x=1), False, False),
    ],
)
def test_same(ours: Any, theirs: Any, exactly: bool, nearly: bool):
    assert is_same(ours, theirs, exact=True) is exactly
    assert is_same(ours, theirs, exact=False) is nearly


@given(VALUES)
def test_what_was_not_touched_is_the_same(value: Any):
    again = copy.deepcopy(value)
    assert is_same(value, again, exact=True)
    assert is_same(value, again, exact=False)


@given(VALUES, VALUES, st.booleans())
def test_it_does_not_matter_who_sent_which(one: Any, other: Any, exact: bool):
    assert is_same(one, other, exact=exact) is is_same(other, one, exact=exact)


@given(VALUES, VALUES)
def test_what_is_the_same_exactly_is_equal_and_nearly_the_same(one: Any, other: Any):
    if is_same(one, other, exact=True):
        assert one == other
        assert is_same(one, other, exact=False)


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_a_datetime_that_lost_its_microseconds_has_not_been_changed(moment: dt.datetime):
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert is_same(moment, cut, exact=False)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_that_went_through_a_float_has_not_been_changed(value: Decimal):
    assert is_same(value, Decimal(float(value)), exact=False)
    assert is_same(value, float(value), exact=False) is (value == float(value))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("ours", [Decimal("1"), Decimal("NaN"), 1, None, [Decimal("1")]])
def test_what_cannot_be_compared_is_another(ours: Any, exact: bool):
    strange = Decimal("sNaN")
    assert not is_same(ours, strange, exact=exact)
    assert not is_same([ours], [strange], exact=exact)
