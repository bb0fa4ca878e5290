"""Whatever a database accepts in a column goes out, comes back and is stored equal."""

import asyncio
import datetime as dt
import decimal
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Engine,
    NullPool,
    Table,
    create_engine,
    select,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.conditions import Comparison
from django_vortex.orm.crud.row_tuples import make_row_tuple_type
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.store import Scope
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload
from tests.crud.sqlalchemy_columns import (
    COLUMNS,
    EXAMPLES,
    NAMED_COLUMNS,
    NAMED_EXAMPLES,
    NOW,
    POSTGRES,
    POSTGRES_COLUMNS,
    POSTGRES_EXAMPLES,
    SQLITE,
)
from tests.support.postgres import USER, PostgresServer

ALL_COLUMNS = COLUMNS | POSTGRES_COLUMNS | NAMED_COLUMNS


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
        self.record = make_row_tuple_type(self.shape, "t.Kinds", registry)
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
        """Return what travels of a row, and came back through the wire."""

        def work(unit: Any) -> Any:
            rows = unit.rows(self.shape, Scope())
            values = rows.values(rows.get_many([(key,)])[key,])
            [plain] = rows.find_values(Comparison("id", "exact", key))
            assert are_equal(dict(zip(self.shape.names, plain, strict=True)), values)
            return values

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
    with engine.begin() as link:
        link.exec_driver_sql("CREATE EXTENSION hstore")
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


@pytest.fixture(scope="session")
def aiosqlite_shelf(sqlite: URL) -> Iterator[Shelf]:
    yield from make_asynchronous_shelf(sqlite, "sqlite+aiosqlite", SQLITE)


@pytest.fixture(scope="session")
def asyncpg_shelf(postgres_kinds: URL) -> Iterator[Shelf]:
    yield from make_asynchronous_shelf(postgres_kinds, "postgresql+asyncpg", POSTGRES)


def make_asynchronous_shelf(url: URL, driver: str, table: Table) -> Iterator[Shelf]:
    """Filled by an ordinary engine, stored in by an asynchronous one, on whichever loop."""
    filler = create_engine(url)
    engine = create_async_engine(url.set(drivername=driver), poolclass=NullPool)
    yield Shelf(filler, table, async_sessionmaker(engine))
    filler.dispose()


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


@pytest.mark.parametrize("name", list(ALL_COLUMNS))
@settings(max_examples=30)
@given(data=st.data())
def test_what_postgresql_accepts_comes_back_equal(
    postgres_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    strategy = ALL_COLUMNS[name][1]
    check_column(postgres_shelf, name, data.draw(st.none() | strategy))


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", list(COLUMNS))
@settings(max_examples=5)
@given(data=st.data())
def test_what_asynchronous_sqlite_accepts_comes_back_equal(
    aiosqlite_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    check_column(aiosqlite_shelf, name, data.draw(st.none() | COLUMNS[name][1]))


@pytest.mark.parametrize("name", list(ALL_COLUMNS))
@settings(max_examples=5)
@given(data=st.data())
def test_what_asynchronous_postgresql_accepts_comes_back_equal(
    asyncpg_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    strategy = ALL_COLUMNS[name][1]
    check_column(asyncpg_shelf, name, data.draw(st.none() | strategy))


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
async def test_asynchronous_sqlite_takes_all_kinds(aiosqlite_shelf: Shelf) -> None:
    await check_all(aiosqlite_shelf, EXAMPLES)


async def test_asynchronous_postgresql_takes_all_kinds(asyncpg_shelf: Shelf) -> None:
    await check_all(asyncpg_shelf, EXAMPLES | POSTGRES_EXAMPLES | NAMED_EXAMPLES)


async def check_all(shelf: Shelf, examples: dict[str, Any]) -> None:
    shelf.put(**examples)
    came = await shelf.fetch(1)
    await shelf.save(2, {name: value for name, value in came.items() if name != "id"})
    one, other = shelf.stored(*examples)
    assert are_equal(one, other)
    assert are_equal(one, examples | {"moment": one["moment"]})  # SQLite gives no zone
    assert one["moment"].replace(tzinfo=dt.UTC) == examples["moment"]
