"""A column takes what it can hold, as the database would store it, and says why not otherwise."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    Numeric,
    PickleType,
    SmallInteger,
    String,
    Text,
    Time,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects import postgresql

from django_vortex.orm.sqlalchemy.values import UnfitValue, describe_values

NOON = dt.datetime(2024, 1, 2, 12)
TOKYO = dt.timezone(dt.timedelta(hours=9))


class Mood(enum.Enum):
    GOOD = "g"


class Own(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value


class Named(TypeDecorator[Decimal]):
    """A name for a type, and nothing else."""

    impl = Numeric
    cache_ok = True


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Integer(), int),
        (Text(), str),
        (Float(), float),
        (Float(asdecimal=True), Decimal),
        (Numeric(), Decimal),
        (Numeric(asdecimal=False), float),
        (Interval(), dt.timedelta),
        (Enum(Mood), Mood),
        (Enum("a"), str),
        (Uuid(), uuid.UUID),
        (Uuid(as_uuid=False), str),
        (JSON(), None),
        (PickleType(), None),
        (Own(), None),
        (Named(9, 2), Decimal),
        (postgresql.INET(), str),
        (postgresql.INTERVAL(), dt.timedelta),
        (postgresql.HSTORE(), None),
        (postgresql.OID(), int),
        (postgresql.MONEY(), str),
        (postgresql.DOMAIN("positive", Integer()), int),
        (ARRAY(Integer), list[int | list | None]),
        (ARRAY(Integer, dimensions=2), list[list[int | None]]),
        (ARRAY(Text, dimensions=1, as_tuple=True), tuple[str | None, ...]),
        (ARRAY(JSON), list),
    ],
)
def test_a_type_has_values_of_a_type(kind: Any, expected: object) -> None:
    assert describe_values(kind).type == expected


@pytest.mark.parametrize("kind", [Own(), PickleType()])
def test_what_only_the_application_knows_is_what_it_annotates(kind: Any) -> None:
    assert describe_values(kind, dict).type is dict


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        (DateTime(), NOON.replace(tzinfo=TOKYO), NOON - dt.timedelta(hours=9)),
        (DateTime(), NOON, NOON),
        (DateTime(timezone=True), NOON, NOON.replace(tzinfo=dt.UTC)),
        (
            DateTime(timezone=True),
            NOON.replace(tzinfo=TOKYO),
            NOON.replace(tzinfo=dt.UTC) - dt.timedelta(hours=9),
        ),
        (Numeric(9, 2), Decimal("1.005"), Decimal("1.01")),
        (Numeric(9, 2), Decimal("-1.005"), Decimal("-1.01")),
        (Numeric(9), Decimal("2.5"), Decimal(3)),
        (Numeric(), Decimal("1.005"), Decimal("1.005")),
        (Uuid(as_uuid=False), "0" * 31 + "A", str(uuid.UUID(int=10))),
        (
            ARRAY(Numeric(9, 1)),
            [Decimal("0.25"), None, 1.5],
            [Decimal("0.3"), None, Decimal("1.5")],
        ),
        (ARRAY(Enum(Mood)), [["g"], [None]], [[Mood.GOOD], [None]]),
    ],
)
def test_what_comes_is_stored_as_the_column_has_it(kind: Any, value: Any, stored: Any) -> None:
    found = describe_values(kind).to_stored(value, "sqlite")
    assert (found, type(found)) == (stored, type(stored))
    if isinstance(stored, dt.datetime):
        assert found.tzinfo is stored.tzinfo


def test_a_moment_that_lost_its_zone_in_the_database_is_in_utc() -> None:
    export = describe_values(DateTime(timezone=True)).export
    assert export is not None
    assert export(NOON) == NOON.replace(tzinfo=dt.UTC)
    assert export(NOON.replace(tzinfo=TOKYO)).tzinfo is TOKYO


REFUSED = [
    (SmallInteger(), 2**15, "sqlite"),
    (Integer(), -(2**31) - 1, "sqlite"),
    (BigInteger(), 2**63, "sqlite"),
    (String(3), "abcd", "sqlite"),
    (Text(), "\udfff", "sqlite"),
    (Text(), "a\0b", "postgresql"),
    (Float(), float("nan"), "sqlite"),
    (Numeric(4, 2), Decimal(100), "sqlite"),
    (Numeric(4, 2), Decimal("99.999"), "postgresql"),
    (Numeric(4, 2), Decimal("NaN"), "sqlite"),
    (Numeric(4, 2), Decimal("Infinity"), "postgresql"),
    (Numeric(), Decimal("NaN"), "sqlite"),
    (DateTime(), dt.datetime.min.replace(tzinfo=TOKYO), "sqlite"),
    (Time(), dt.time(1, tzinfo=TOKYO), "sqlite"),
    (Interval(), dt.timedelta.max, "sqlite"),
    (JSON(), {"a": float("inf")}, "sqlite"),
    (JSON(), {"a": {1}}, "sqlite"),
    (postgresql.JSONB(), ["\0"], "postgresql"),
    (postgresql.JSONB(), {"\ud800": 1}, "postgresql"),
    (postgresql.JSONB(), "\udc00\ud83d", "postgresql"),
    (Enum("a", "b"), "c", "sqlite"),
    (Uuid(as_uuid=False), "no", "sqlite"),
    (ARRAY(String(1)), ["a", ["bc"]], "postgresql"),
    (ARRAY(Integer), ["a"], "postgresql"),
]


@pytest.mark.parametrize(("kind", "value", "dialect"), REFUSED)
def test_what_a_column_cannot_hold_is_refused(kind: Any, value: Any, dialect: str) -> None:
    with pytest.raises(UnfitValue, match=r"^Expected "):
        describe_values(kind).to_stored(value, dialect)


@pytest.mark.parametrize(
    ("kind", "value", "dialect"),
    [
        (Text(), "a\0b", "sqlite"),
        (Float(), float("nan"), "postgresql"),
        (Numeric(4, 2), Decimal("NaN"), "postgresql"),
        (Interval(), dt.timedelta.max, "postgresql"),
        (JSON(), ["\0"], "sqlite"),
        (JSON(), ["\U0001f600", "\\u0000", "\\\\ud800"], "postgresql"),
        (JSON(), [{"\0": "\ud800"}], "postgresql"),
        (Time(timezone=True), dt.time(1, tzinfo=TOKYO), "postgresql"),
    ],
)
def test_what_it_can_hold_stays_as_it_is(kind: Any, value: Any, dialect: str) -> None:
    stored = describe_values(kind).to_stored(value, dialect)
    assert stored is value


def test_more_is_compared_than_is_stored() -> None:
    assert describe_values(String(1)).to_compared("ab", "sqlite") == "ab"
    assert describe_values(Integer()).to_compared(2**40, "sqlite") == 2**40
    assert describe_values(Numeric(3, 1)).to_compared(Decimal("0.25"), "sqlite") == Decimal("0.25")
    with pytest.raises(UnfitValue):
        describe_values(Integer()).to_compared(2**40, "postgresql")


@pytest.mark.parametrize("kind", [kind for kind, _, _ in REFUSED])
def test_null_fits_everywhere(kind: Any) -> None:
    assert describe_values(kind).to_stored(None, "postgresql") is None
    assert describe_values(kind).to_compared(None, "postgresql") is None
