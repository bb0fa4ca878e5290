"""Whatever a database accepts in a column goes out, comes back and is stored equal."""

import asyncio
import datetime as dt
import decimal
import enum
import ipaddress
import math
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    NullPool,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    Uuid,
    create_engine,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.records import make_record_type
from django_vortex.orm.sqlalchemy_store import SqlAlchemyStore
from django_vortex.orm.store import Scope, Shape
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload
from tests.support.postgres import USER, PostgresServer

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


def make_table(columns: dict[str, tuple[Any, Any]]) -> Table:
    made = [Column(name, kind) for name, (kind, _) in columns.items()]
    return Table("kinds", MetaData(), Column("id", Integer, primary_key=True), *made)


SQLITE = make_table(COLUMNS)
POSTGRES = make_table(COLUMNS | POSTGRES_COLUMNS)

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


async def run_inline(function: Callable[[], Any]) -> Any:
    return function()


class Shelf:
    """A table that is filled behind its store."""

    def __init__(self, engine: Engine, table: Table, factory: Callable[[], Any]) -> None:
        self.engine = engine
        self.table = table
        self.store = SqlAlchemyStore(factory, run_inline)
        registry = TupleRegistry()
        spec = self.store.describe(table)
        self.shape = Shape(spec, tuple(spec.fields))
        self.record = make_record_type(self.shape, "t.Kinds", registry)
        self.codec = Codec(registry)

    def put(self, **values: Any) -> None:
        """Store row 1 as the application would, and an empty row 2."""
        with self.engine.begin() as link:
            link.execute(self.table.delete())
            link.execute(self.table.insert().values(id=1, **values))
            link.execute(self.table.insert().values(id=2))

    def stored(self, *names: str) -> list[dict[str, Any]]:
        columns = [self.table.c[name] for name in names]
        with self.engine.connect() as link:
            found = link.execute(select(*columns).order_by(self.table.c.id))
            return [dict(row) for row in found.mappings()]

    async def fetch(self, key: int) -> dict[str, Any]:
        """Give what travels of a row, and came back through the wire."""

        def work(unit: Any) -> Any:
            rows = unit.rows(self.shape, Scope())
            return rows.values(rows.get_many([(key,)])[key,])

        sent = self.record.make(await self.store.run(work))
        encoded = self.codec.encode_payload(Payload(tuples=[sent]), Dialect.NATIVE, NOW)
        [came] = self.codec.decode_payload(encoded.text, Dialect.NATIVE).tuples
        assert are_equal(self.record.read(came), self.record.read(sent))
        return self.record.read(came)

    async def save(self, key: int, values: dict[str, Any]) -> None:
        def work(unit: Any) -> None:
            rows = unit.rows(self.shape, Scope())
            row = rows.get_many([(key,)])[key,]
            rows.set_values(row, values)
            rows.update(row, values)

        await self.store.run(work)


def are_equal(one: Any, other: Any) -> bool:
    """Compare as `==`, types included, but NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(are_equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(are_equal, one, other))
    if isinstance(one, float | decimal.Decimal) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The address of an SQLite database with the table."""
    url = URL.create("sqlite", database=str(tmp_path_factory.mktemp("kinds") / "db.sqlite3"))
    engine = create_engine(url)
    SQLITE.metadata.create_all(engine)
    engine.dispose()
    yield url


@pytest.fixture(scope="session")
def postgres_kinds(postgres: PostgresServer) -> Iterator[URL]:
    """The address of a PostgreSQL database with the table."""
    postgres.create_database("kinds")
    query = {"host": postgres.host}
    url = URL.create("postgresql+psycopg", username=USER, database="kinds", query=query)
    engine = create_engine(url)
    POSTGRES.metadata.create_all(engine)
    engine.dispose()
    yield url


@pytest.fixture(scope="session")
def sqlite_shelf(sqlite: URL) -> Iterator[Shelf]:
    engine = create_engine(sqlite)
    yield Shelf(engine, SQLITE, sessionmaker(engine))
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_shelf(postgres_kinds: URL) -> Iterator[Shelf]:
    engine = create_engine(postgres_kinds)
    yield Shelf(engine, POSTGRES, sessionmaker(engine))
    engine.dispose()


def check_column(shelf: Shelf, name: str, value: Any) -> None:
    """Send a value of row 1 out, and save what came back in row 1 and in row 2."""
    try:
        shelf.put(**{name: value})
    except (SQLAlchemyError, OverflowError, ValueError):
        assume(False)
    try:
        [before, _] = shelf.stored(name)
    except (SQLAlchemyError, OverflowError, ValueError):  # accepted, but not to be read
        assume(False)
    came = asyncio.run(shelf.fetch(1))
    asyncio.run(shelf.save(1, {name: came[name]}))
    asyncio.run(shelf.save(2, {name: came[name]}))
    one, other = shelf.stored(name)
    assert are_equal(one, before)
    assert are_equal(other, before)
    assert are_equal(asyncio.run(shelf.fetch(2)) | {"id": 1}, came)


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", list(COLUMNS))
@settings(max_examples=30)
@given(data=st.data())
def test_what_sqlite_accepts_comes_back_equal(
    sqlite_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    check_column(sqlite_shelf, name, data.draw(st.none() | COLUMNS[name][1]))


@pytest.mark.parametrize("name", list(COLUMNS | POSTGRES_COLUMNS))
@settings(max_examples=30)
@given(data=st.data())
def test_what_postgresql_accepts_comes_back_equal(
    postgres_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    strategy = (COLUMNS | POSTGRES_COLUMNS)[name][1]
    check_column(postgres_shelf, name, data.draw(st.none() | strategy))


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
async def test_asynchronous_sqlite_takes_all_kinds(sqlite: URL) -> None:
    async with asynchronous_shelf(sqlite, "sqlite+aiosqlite", SQLITE) as shelf:
        await check_all(shelf, EXAMPLES)


async def test_asynchronous_postgresql_takes_all_kinds(postgres_kinds: URL) -> None:
    async with asynchronous_shelf(postgres_kinds, "postgresql+asyncpg", POSTGRES) as shelf:
        await check_all(shelf, EXAMPLES | POSTGRES_EXAMPLES)


@asynccontextmanager
async def asynchronous_shelf(url: URL, driver: str, table: Table) -> AsyncIterator[Shelf]:
    """Filled by an ordinary engine, stored in by an asynchronous one."""
    engine = create_async_engine(url.set(drivername=driver))
    try:
        filler = create_engine(url, poolclass=NullPool)
        yield Shelf(filler, table, async_sessionmaker(engine))
    finally:
        await engine.dispose()


async def check_all(shelf: Shelf, examples: dict[str, Any]) -> None:
    shelf.put(**examples)
    came = await shelf.fetch(1)
    await shelf.save(2, {name: value for name, value in came.items() if name != "id"})
    one, other = shelf.stored(*examples)
    assert are_equal(one, other)
    assert are_equal(one, examples | {"moment": one["moment"]})  # SQLite gives no zone
    assert one["moment"].replace(tzinfo=dt.UTC) == examples["moment"]
