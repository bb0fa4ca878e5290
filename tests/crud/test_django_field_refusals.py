"""What cannot be stored in a Django field is refused by name, or stored as it was said."""

import datetime as dt
import decimal
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crud.django_fields import MOMENTS
from tests.crud.django_shelf import Shelf, are_equal
from tests.crud.field_fixtures import *  # noqa: F403
from tests.crud.field_fixtures import PARTNER


def check_refused(shelf: Shelf, name: str, value: Any) -> None:
    """Try to set a field of row 2."""
    with shelf.connected() as peer:
        row = peer.fetch(2)
        setattr(row, name, value)
        with shelf.counting_updates() as changes:
            result = peer.save(row)
    assert result is not True
    assert name in str(result)
    assert "(ref" not in str(result)
    assert changes == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner_id", 4),
        ("owner_id", 2**40),
        ("owner_id", 2**70),
        ("partner_id", uuid.UUID(int=2)),
        ("partner_id", PARTNER),  # which another row has
        ("tags", ["a", "x"]),
        ("tags", ["a\0"]),
        ("tags", ["\ud800"]),
        ("tags", None),
    ],
)
def test_a_key_of_no_row_is_refused(shelf: Shelf, name: str, value: Any) -> None:
    shelf.put(partner_id=PARTNER)
    check_refused(shelf, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "a\ud800b"),
        ("char", "x" * 11),
        ("slug", "no slug"),
        ("email", "nobody"),
        ("url", "javascript:alert()"),
        ("address", "10.0.0.256"),
        ("mood", "x"),
        ("level", 2),
        ("big", 2**63),
        ("big", 10**30),
        ("positive", -1),
        ("positive_big", 2**63),
        ("decimal", decimal.Decimal("0.001")),
        ("decimal", decimal.Decimal("NaN")),
        ("decimal", decimal.Decimal("sNaN")),
        ("decimal", decimal.Decimal("Infinity")),
        ("decimal", decimal.Decimal("1E+1000")),
        ("time", dt.time(1, tzinfo=dt.UTC)),
        ("boolean", 1),
        ("integer", True),
        ("integer", 1.5),
        ("float", "1"),
        ("uuid", "x"),
    ],
)
def test_what_a_field_cannot_be_is_refused(shelf: Shelf, name: str, value: Any) -> None:
    shelf.put()
    check_refused(shelf, name, value)


WILD: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(["big", "integer", "positive_small"], st.integers()),
    **dict.fromkeys(["char", "text", "email", "slug", "url", "address", "mood"], st.text()),
    "decimal": st.decimals(),
    "float": st.floats(),
    "duration": st.timedeltas(),
    "moment": MOMENTS | st.datetimes(),
    "time": st.times(timezones=st.none() | st.just(dt.UTC)),
    "level": st.integers(0, 5),
}
"""What a peer may say that knows no more than the type of a field."""


def check_wild(shelf: Shelf, name: str, value: Any) -> None:
    shelf.put()
    with shelf.connected() as peer:
        row = peer.fetch(2)
        setattr(row, name, value)
        result = peer.save(row)
    stored = shelf.stored(2, name)
    if result is True:
        if isinstance(value, dt.datetime) and value.tzinfo is None:
            value = value.replace(tzinfo=dt.UTC)
        assert are_equal(stored, value) or (value == 0 and stored == 0)
    else:
        assert {error["field"] for error in result["errors"]} <= {name, ""}
        assert stored is None


@pytest.mark.parametrize("name", list(WILD))
@settings(max_examples=10)
@given(data=st.data())
def test_sqlite_stores_what_is_said_or_refuses_it(
    sqlite_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    check_wild(sqlite_shelf, name, data.draw(WILD[name]))


@pytest.mark.parametrize("name", list(WILD))
@settings(max_examples=10)
@given(data=st.data())
def test_postgresql_stores_what_is_said_or_refuses_it(
    postgres_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    check_wild(postgres_shelf, name, data.draw(WILD[name]))


def test_sqlite_has_no_nan(sqlite_shelf: Shelf) -> None:
    sqlite_shelf.put()
    check_refused(sqlite_shelf, "float", float("nan"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("char", "a\0"),
        ("json", {"a": ["\0"]}),
        ("json", {"\ud800": 1}),
        ("integer", 2**31),
        ("positive_small", 2**15),
    ],
)
def test_what_only_postgresql_does_not_hold(postgres_shelf: Shelf, name: str, value: Any) -> None:
    postgres_shelf.put()
    check_refused(postgres_shelf, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("integers", [1, 2**31]),
        ("integers", ["x"]),
        ("integers", 5),
        ("strings", ["\0"]),
        ("strings", ["x" * 11]),
        ("strings", ["a", None]),
        ("prices", [decimal.Decimal("0.001")]),
        ("matrix", [[1], [2, 3]]),
        ("store", {"a": 1}),
        ("store", {"a": "\0"}),
        ("store", ["a"]),
        ("documents", {"a": 1}),
        ("documents", "[1]"),
        ("whole_range", {"lower": 2, "upper": 1}),
        ("whole_range", {"lower": 1, "upper": "2"}),
        ("whole_range", {"lower": 1, "bounds": "<>"}),
        ("whole_range", {"low": 1}),
        ("whole_range", {"lower": True}),
        ("price_range", {"lower": decimal.Decimal("sNaN"), "upper": decimal.Decimal(1)}),
        ("day_range", {"lower": 1}),
        ("words", "'a':1"),
    ],
)
def test_what_an_array_a_range_or_an_hstore_cannot_be(
    arrays_shelf: Shelf, name: str, value: Any
) -> None:
    arrays_shelf.put()
    check_refused(arrays_shelf, name, value)
