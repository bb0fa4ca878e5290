"""Canonical texts: one per value, whatever way it was built."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import uuid

import pytest

from django_vortex.tuples import Tuple, TupleRegistry, tuple_type
from django_vortex.tuples.canonical import canonical_text

registry = TupleRegistry()


class Size(enum.IntEnum):
    BIG = 2


@tuple_type("test.Pair", registry=registry)
class Pair(Tuple):
    b: int
    a: int


def name_of(value: object) -> str:
    """Return the name of a case, the same in every process."""
    return f"set{sorted(value)}" if isinstance(value, set) else repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (5, '{"_fd":5,"_ft":"int"}'),
        (5.0, "5.0"),
        (float("nan"), "NaN"),
        ("é", '"\\u00e9"'),
        (Size.BIG, '{"_fd":2,"_ft":"int"}'),
        ((1.5, 2.5), "[1.5,2.5]"),
        ([], "[]"),
        ({"b", "a"}, '["a","b"]'),
        (frozenset({2.5, 1.5}), "[1.5,2.5]"),
        ({"b": 1.5, "a": None}, '{"a":null,"b":1.5}'),
        ({(1, 2): True}, '{"(1, 2)":true}'),
        (Pair(a=1.5, b=2.5), '{"_c":"test.Pair","_ct":"rt","a":1.5,"b":2.5}'),
        (b"\x00", '{"_fd":"AA==","_ft":"bytes"}'),
        (bytearray(b"\x00"), '{"_fd":"AA==","_ft":"bytearray"}'),
        (dt.date(2024, 1, 2), '{"_fd":"2024-01-02","_ft":"date"}'),
        (dt.time(3, 4), '{"_fd":"03:04:00","_ft":"time"}'),
        (dt.timedelta(days=-1, seconds=5), '{"_fd":"-1:5:0","_ft":"timedelta"}'),
        (decimal.Decimal("1.10"), '{"_fd":"1.10","_ft":"decimal"}'),
        (uuid.UUID(int=1), '{"_fd":"00000000-0000-0000-0000-000000000001","_ft":"uuid"}'),
        (
            dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30))),
            '{"_fd":"2024-01-02 00:00:00.000000-0330","_ft":"datetime"}',
        ),
        (dt.datetime(24, 1, 2), '{"_fd":"0024-01-02 00:00:00.000000","_ft":"datetime"}'),
    ],
    ids=name_of,
)
def test_text_of_a_value(value: object, text: str) -> None:
    assert canonical_text(value, registry) == text
