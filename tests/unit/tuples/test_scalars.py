"""Texts of single values."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.tuples.scalars import SCALAR_TEXTS, datetime_text


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (None, "2024-01-02 03:04:05.678901"),
        (dt.timedelta(0), "2024-01-02 03:04:05.678901+0000"),
        (dt.timedelta(hours=10), "2024-01-02 03:04:05.678901+1000"),
        (-dt.timedelta(hours=3, minutes=30), "2024-01-02 03:04:05.678901-0330"),
        (dt.timedelta(seconds=35945), "2024-01-02 03:04:05.678901+095905"),
    ],
)
def test_offset_of_a_datetime_has_no_colon(offset: dt.timedelta | None, text: str) -> None:
    zone = None if offset is None else dt.timezone(offset)
    moment = dt.datetime(2024, 1, 2, 3, 4, 5, 678901, zone)
    assert datetime_text(moment) == text
    assert dt.datetime.fromisoformat(text) == moment


def test_microseconds_and_years_are_always_padded() -> None:
    assert datetime_text(dt.datetime(1, 1, 1)) == "0001-01-01 00:00:00.000000"


@given(st.datetimes())
def test_quick_way_for_utc_writes_what_the_other_way_writes(value: dt.datetime) -> None:
    some_utc = dt.timezone(dt.timedelta(0), "UTC, but not the object that is looked for")
    slowly = datetime_text(value.replace(tzinfo=some_utc))
    assert datetime_text(value.replace(tzinfo=dt.UTC)) == slowly


class Moment(dt.datetime):
    """A datetime of somebody's own."""


def test_subclass_of_datetime_is_written_like_any_other() -> None:
    assert datetime_text(Moment(2024, 1, 2, 3, 4, 5, 6, dt.UTC)) == (
        "2024-01-02 03:04:05.000006+0000"
    )


def test_a_datetime_is_not_taken_for_the_date_that_it_is_too() -> None:
    kinds = list(SCALAR_TEXTS)
    assert kinds.index(dt.datetime) < kinds.index(dt.date)
