"""Every type of column in a table, and what may be put into it; the databases refuse some."""

import datetime as dt
import decimal
import enum
import ipaddress
import uuid
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.dialects import postgresql

NOW = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
ZONES = st.builds(
    dt.timezone, st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timedelta(minutes=minutes))
)


class Mood(enum.Enum):
    GOOD = "g"
    BAD = 5


def texts(longest: int | None = None) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=longest)


def plain_json() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | texts()
    leaves |= st.floats(allow_nan=False, allow_infinity=False)  # which are no JSON
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(texts(), inner), max_leaves=8
    )


WHOLE = st.integers(-(2**31), 2**31 - 1)
CENTS = st.decimals(-10_000_000, 10_000_000, places=2).filter(lambda value: abs(value) < 10_000_000)
MOMENTS = st.datetimes(timezones=st.none() | ZONES)

COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "integer": (Integer(), WHOLE),
    "small": (SmallInteger(), st.integers(-(2**15), 2**15 - 1)),
    "big": (BigInteger(), st.integers(-(2**63), 2**63 - 1)),
    "string": (String(10), texts(10)),
    "text": (Text(), texts()),
    "boolean": (Boolean(), st.booleans()),
    "float": (Float(), st.floats()),
    "numeric": (Numeric(9, 2), CENTS),
    "rough": (Numeric(9, 2, asdecimal=False), CENTS.map(float)),
    "date": (Date(), st.dates()),
    "time": (Time(), st.times()),
    "datetime": (DateTime(), st.datetimes()),
    "moment": (DateTime(timezone=True), MOMENTS),
    "interval": (Interval(), st.timedeltas()),
    "binary": (LargeBinary(), st.binary()),
    "json": (JSON(), plain_json()),
    "choice": (Enum("a", "b ä", name="choice"), st.sampled_from(["a", "b ä"])),
    "enum": (Enum(Mood, name="mood"), st.sampled_from(Mood)),
    "uuid": (Uuid(), st.uuids()),
    "uuid_text": (Uuid(as_uuid=False), st.uuids().map(str)),
}
"""By name: a type, and what may be put in; the databases may refuse some of it."""

POSTGRES_COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "precise": (Numeric(), st.decimals(allow_infinity=False)),
    "real": (postgresql.REAL(), st.floats(width=32)),
    "jsonb": (postgresql.JSONB(), plain_json()),
    "clock": (Time(timezone=True), st.times(timezones=ZONES)),
    "span": (postgresql.INTERVAL(), st.timedeltas()),
    "address": (postgresql.INET(), st.ip_addresses()),
    "integers": (ARRAY(Integer), st.lists(st.none() | WHOLE)),
    "strings": (ARRAY(Text), st.lists(st.none() | texts())),
    "prices": (ARRAY(Numeric(9, 2), dimensions=1), st.lists(st.none() | CENTS)),
    "moments": (ARRAY(DateTime(timezone=True)), st.lists(st.none() | MOMENTS)),
    "uuids": (ARRAY(Uuid, as_tuple=True, dimensions=1), st.lists(st.uuids())),
    "moods": (ARRAY(Enum(Mood, name="mood")), st.lists(st.none() | st.sampled_from(Mood))),
    "matrix": (ARRAY(Integer, dimensions=2), st.lists(st.tuples(WHOLE, WHOLE).map(list))),
}

NAMED_COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "oid": (postgresql.OID(), st.integers(0, 2**32 - 1)),
    "money": (postgresql.MONEY(), CENTS.filter(lambda value: value >= 0).map(lambda v: f"${v:,}")),
    "words": (postgresql.TSVECTOR(), st.sampled_from(["'a' 'b'", "'ä':1A"])),
    "positive": (postgresql.DOMAIN("positive", Integer, check="VALUE > 0"), WHOLE),
    "store": (postgresql.HSTORE(), st.dictionaries(texts(), st.none() | texts())),
}
"""More of PostgreSQL, which SQLAlchemy says nothing about but the name."""


def make_table(columns: dict[str, tuple[Any, Any]], metadata: MetaData) -> Table:
    """Make a table with a column of each type."""
    made = [Column(name, kind) for name, (kind, _) in columns.items()]
    return Table("kinds", metadata, Column("id", Integer, primary_key=True), *made)


SQLITE = make_table(COLUMNS, MetaData())
POSTGRES = make_table(COLUMNS | POSTGRES_COLUMNS | NAMED_COLUMNS, MetaData())

EXAMPLES = {
    "integer": 5,
    "small": -5,
    "big": 2**62,
    "string": "ä",
    "text": "long\n",
    "boolean": True,
    "float": -0.5,
    "numeric": decimal.Decimal("9.90"),
    "rough": 9.9,
    "date": NOW.date(),
    "time": dt.time(3, 4, 5, 6),
    "datetime": NOW.replace(tzinfo=None),
    "moment": NOW,
    "interval": dt.timedelta(days=-3, microseconds=1),
    "binary": b"\0\xff",
    "json": {"a": [1, None, True]},
    "choice": "b ä",
    "enum": Mood.BAD,
    "uuid": uuid.UUID(int=5),
    "uuid_text": str(uuid.UUID(int=6)),
}
POSTGRES_EXAMPLES = {
    "precise": decimal.Decimal("1.2345678901234567890123456789"),
    "real": 0.5,
    "jsonb": [{"a": "ä"}],
    "clock": dt.time(3, 4, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    "span": dt.timedelta(days=400),
    "address": ipaddress.IPv4Address("10.0.0.1"),
    "integers": [1, None],
    "strings": ["a", 'b"{'],
    "prices": [decimal.Decimal("0.10"), None],
    "moments": [NOW],
    "uuids": (uuid.UUID(int=7),),
    "moods": [Mood.GOOD, Mood.BAD],
    "matrix": [[1, 2], [3, 4]],
}
NAMED_EXAMPLES = {
    "oid": 2**32 - 1,
    "money": "$9.90",
    "words": "'a' 'b'",
    "positive": 5,
    "store": {"1": None, "a": "ä"},
}
