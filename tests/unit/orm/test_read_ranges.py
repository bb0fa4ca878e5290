"""Ranges of stored values hold exactly those for which a look-up is true of what is read."""

import datetime as dt
import decimal
import math
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_vortex.orm.read_ranges import (
    Range,
    find_text_ranges,
    get_number_range,
    spell_number,
)

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
OPERATORS = {"=": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def holds(found: Range, stored: Any) -> bool:
    return all(COMPARE[OPERATORS[sign]](stored, end) for sign, end in found.limits)


def read_cents(number: float) -> decimal.Decimal:
    return decimal.Decimal(f"{float(number):.2f}")


def read_digits(number: float) -> decimal.Decimal:
    rounded = decimal.Context(prec=15).create_decimal_from_float(number)
    return rounded.quantize(decimal.Decimal(1).scaleb(-20), context=decimal.Context(prec=40))


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize("read", [read_cents, read_digits, float])
@pytest.mark.parametrize("lookup", list(COMPARE))
@given(stored=NUMBERS, other=NUMBERS)
@example(stored=0.1, other=0.30000000000000004)
@example(stored=0.005, other=0.015)
@example(stored=2**53 + 1, other=2**53)
@example(stored=10**18 + 1, other=1e300)
@example(stored=-0.0, other=5e-324)
def test_numbers(read: Any, lookup: str, stored: float, other: float) -> None:
    try:
        value = read(stored)
    except decimal.InvalidOperation:
        return  # too great to be read
    found = get_number_range(lookup, value, read, (float(value), float(value)))
    assert holds(found, stored) is COMPARE[lookup](value, value)
    try:
        seen = read(other)
    except decimal.InvalidOperation:
        assert holds(found, other) is COMPARE[lookup](other, stored)
    else:
        assert holds(found, other) is COMPARE[lookup](seen, value)


@pytest.mark.parametrize("lookup", list(COMPARE))
@given(stored=st.floats(-10, 10))
@example(stored=0.1)
@example(stored=0.11)
def test_a_value_that_is_never_read_lies_between_those_that_are(lookup: str, stored: float) -> None:
    value = decimal.Decimal("0.105")
    found = get_number_range(lookup, value, read_cents, (0.1, 0.11))
    assert holds(found, stored) is COMPARE[lookup](read_cents(stored), value)


def spellings(moment: dt.datetime) -> list[str]:
    texts = {moment.isoformat(separator) for separator in " T"}
    texts |= {moment.isoformat(separator, "microseconds") for separator in " T"}
    if moment.microsecond % 1000 == 0:
        texts |= {moment.isoformat(separator, "milliseconds") for separator in " T"}
    if not (moment.second or moment.microsecond):
        texts |= {moment.isoformat(separator, "minutes") for separator in " T"}
    return sorted(texts)


MOMENTS = st.datetimes() | st.sampled_from(
    [
        dt.datetime(2024, 1, day, hour, 0, second, micro)
        for day in (1, 2)
        for hour in (0, 10)
        for second in (0, 1)
        for micro in (0, 500_000, 120, 1)
    ]
)


@pytest.mark.parametrize("lookup", list(COMPARE))
@given(moment=MOMENTS, other=MOMENTS)
def test_moments(lookup: str, moment: dt.datetime, other: dt.datetime) -> None:
    for written in (str(moment), moment.isoformat(" ", "microseconds")):
        ranges = find_text_ranges(lookup, written)
        for stored in (moment, other):
            for text in spellings(stored):
                is_met = any(holds(one, text) for one in ranges)
                assert is_met is COMPARE[lookup](stored, moment), text


@pytest.mark.parametrize("lookup", list(COMPARE))
@given(clock=MOMENTS.map(dt.datetime.time), other=MOMENTS.map(dt.datetime.time))
def test_times(lookup: str, clock: dt.time, other: dt.time) -> None:
    ranges = find_text_ranges(lookup, str(clock))
    for stored in (clock, other):
        for text in {str(stored), stored.isoformat("microseconds")}:
            assert any(holds(one, text) for one in ranges) is COMPARE[lookup](stored, clock), text


@pytest.mark.parametrize(
    ("number", "literal"),
    [
        (0.1, "0.1"),
        (5.0, "5"),
        (-0.0, "0"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (1e300, None),
        (1e-300, None),
        (decimal.Decimal("1.50"), "1.50"),
        (decimal.Decimal("NaN"), "NaN"),
        (decimal.Decimal("-Infinity"), "-Infinity"),
        (decimal.Decimal("5.0"), "5"),
        (True, None),
        ("1", None),
    ],
)
def test_numbers_as_literals(number: Any, literal: str | None) -> None:
    assert spell_number(number) == literal
