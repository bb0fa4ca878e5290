"""What counts as unchanged."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from django_vortex.orm.sameness import is_same
from django_vortex.tuples import Tuple

MOMENT = dt.datetime(2024, 1, 2, 3, 4, 5, 678_901, dt.UTC)
CUT = MOMENT.replace(microsecond=678_000)


class Point(Tuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("ours", "theirs", "exactly", "nearly"),
    [
        (1, 1, True, True),
        (1, 2, False, False),
        (1, True, False, False),
        (1, 1.0, False, True),
        (None, 0, False, False),
        (MOMENT, CUT, False, True),
        (MOMENT, CUT - dt.timedelta(milliseconds=1), False, False),
        (MOMENT, MOMENT.replace(tzinfo=None), False, False),
        (Decimal("0.1"), Decimal("0.1"), True, True),
        (Decimal("1.1000000000000000001"), Decimal("1.1"), False, True),
        ([1, 2], [1, 2], True, True),
        ([1, 2], [1], False, False),
        ({"x": 1, "y": 2}, Point(x=1, y=2), True, True),
        ({"x": 1, "y": 3}, Point(x=1, y=2), False, False),
    ],
)
def test_same(ours: Any, theirs: Any, exactly: bool, nearly: bool):
    assert is_same(ours, theirs, exact=True) is exactly
    assert is_same(ours, theirs, exact=False) is nearly
