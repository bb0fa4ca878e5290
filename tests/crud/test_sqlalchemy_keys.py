"""Rows of SQLAlchemy tables are found by any key, and not written when nothing has changed."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Engine,
    Integer,
    MetaData,
    NullPool,
    Numeric,
    String,
    Table,
    Uuid,
    create_engine,
    event,
    select,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.crud.sqlalchemy_columns import CENTS, COLUMNS, POSTGRES_COLUMNS, make_table, texts
from tests.support.postgres import USER, PostgresServer

FILT = {"key": "kinds"}
DIALECTS = [Dialect.NATIVE, Dialect.D2]
DAY = dt.date(2024, 1, 2)

KEYS: dict[str, tuple[list[Any], st.SearchStrategy[Any]]] = {
    "integer": ([Integer()], st.integers(-(2**31), 2**31 - 1)),
    "string": ([String(10)], texts(10).filter(bool)),
    "uuid": ([Uuid()], st.uuids()),
    "date": ([Date()], st.dates()),
    "datetime": ([DateTime()], st.datetimes()),
    "numeric": ([Numeric(9, 2)], CENTS),
    "several": (
        [String(10), Integer(), Date()],
        st.tuples(texts(10).filter(bool), st.integers(0, 9), st.dates()).map(list),
    ),
}
"""By name: the types of the columns of a key, and what they may be."""

METADATA = MetaData()


def make_key_table(name: str, kinds: list[Any]) -> Table:
    columns = [
        Column(f"k{index}", kind, primary_key=True, autoincrement=False)
        for index, kind in enumerate(kinds)
    ]
    return Table(f"key_{name}", METADATA, *columns, Column("note", String(10)))


TABLES = {name: make_key_table(name, kinds) for name, (kinds, _) in KEYS.items()}
KINDS = {
    "sqlite": make_table(COLUMNS, METADATA),
    "postgres": make_table(COLUMNS | POSTGRES_COLUMNS, MetaData()),
}


class Shelf:
    """A database with its handlers."""

    def __init__(self, engine: Engine, factory: Any, kinds: Table) -> None:
        self.engine = engine
        self.factory = factory
        self.kinds = kinds

    @property
    def has_nan(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def connected(self, table: Table, dialect: Dialect, **more: Any) -> Iterator[Any]:
        """Serve a table and connect a peer."""
        payload_io = PayloadIO()
        payload_io.bind(codec=Codec(TupleRegistry()))
        options: dict[str, Any] = {
            "session_factory": self.factory,
            "permission": AllowAny,
            "fields": "__all__",
        }
        options.update(more)
        handler = OrmCrudHandler(FILT, table, payload_io=payload_io, **options)
        with connect(dialect=dialect, payload_io=payload_io) as peer:
            yield peer
        del handler

    def put(self, table: Table, **values: Any) -> None:
        try:
            with self.engine.begin() as link:
                link.execute(table.delete())
                link.execute(table.insert().values(values))
            self.rows(table)  # some is accepted, but not to be read
        except (SQLAlchemyError, OverflowError, ValueError):
            assume(False)

    def rows(self, table: Table) -> list[tuple[Any, ...]]:
        with self.engine.connect() as link:
            return [tuple(row) for row in link.execute(select(table))]

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Return what is executed but does not read."""
        changes: list[str] = []

        def note(link: Any, cursor: Any, statement: str, *more: Any) -> None:
            if not statement.startswith("SELECT"):
                changes.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield changes
        finally:
            event.remove(Engine, "before_cursor_execute", note)


def make_shelf(url: URL, driver: str | None) -> Iterator[Shelf]:
    engine = create_engine(url, poolclass=NullPool)
    kinds = KINDS[url.get_backend_name().replace("postgresql", "postgres")]
    METADATA.create_all(engine, tables=list(TABLES.values()))
    kinds.create(engine, checkfirst=True)
    if driver is None:
        yield Shelf(engine, sessionmaker(engine), kinds)
    else:
        other = create_async_engine(url.set(drivername=driver), poolclass=NullPool)
        yield Shelf(engine, async_sessionmaker(other), kinds)


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> URL:
    return URL.create("sqlite", database=str(tmp_path_factory.mktemp("keys") / "db.sqlite3"))


@pytest.fixture(scope="module")
def postgres_url(postgres: PostgresServer) -> URL:
    postgres.create_database("keys")
    query = {"host": postgres.host}
    return URL.create("postgresql+psycopg", username=USER, database="keys", query=query)


@pytest.fixture(scope="module", params=["sqlite", "aiosqlite", "psycopg", "asyncpg"])
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    """Both databases, with both kinds of sessions."""
    if "sqlite" in request.param:
        url = request.getfixturevalue("sqlite_url")
        yield from make_shelf(url, {"aiosqlite": "sqlite+aiosqlite"}.get(request.param))
    else:
        url = request.getfixturevalue("postgres_url")
        yield from make_shelf(url, {"asyncpg": "postgresql+asyncpg"}.get(request.param))


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", list(KEYS))
@settings(max_examples=8)
@given(data=st.data())
def test_every_kind_of_key_finds_its_row(
    shelf: Shelf, name: str, dialect: Dialect, data: st.DataObject
) -> None:
    table, key = TABLES[name], data.draw(KEYS[name][1])
    parts = key if isinstance(key, list) else [key]
    shelf.put(table, **{f"k{index}": part for index, part in enumerate(parts)})
    [before] = shelf.rows(table)
    with shelf.connected(table, dialect) as peer:
        [row] = peer.request({**FILT, "id": key}).tuples
        with shelf.counting() as changes:
            assert peer.request(FILT, [row]).result is True
        assert changes == []
        row.note = "seen"
        assert peer.request(FILT, [row]).result is True
    assert shelf.rows(table) == [(*before[:-1], "seen")]


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("strange", ["NaN", "sNaN", "Infinity", "-Infinity", "1e400"])
def test_strange_numbers_are_keys_of_no_row(shelf: Shelf, strange: str) -> None:
    table, key = TABLES["numeric"], Decimal(strange)
    shelf.put(table, k0=Decimal("1.50"))
    before = shelf.rows(table)
    with shelf.connected(table, Dialect.NATIVE, client_keys=True) as peer:
        [row] = peer.request({**FILT, "id": Decimal("1.50")}).tuples
        found = peer.request({**FILT, "id": key})
        assert found.tuples == []
        gone = peer.request({**FILT, "id": key, "delete": True})
        row.k0 = key
        same = peer.request({**FILT, "delete": True}, [row])
        results = [found.result, gone.result, same.result]
        assert all(one in (None, True) or one["error"] == "validation" for one in results)
        if not (key.is_qnan() and shelf.has_nan):
            result = peer.request(FILT, [row]).result
            assert result["error"] == "validation"
            assert {error["field"] for error in result["errors"]} <= {"k0"}
    assert shelf.rows(table) == before


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", list(COLUMNS))
@settings(max_examples=5)
@given(data=st.data())
def test_what_comes_back_as_it_was_is_not_written(
    shelf: Shelf, name: str, dialect: Dialect, data: st.DataObject
) -> None:
    check_unchanged(shelf, name, data.draw(COLUMNS[name][1]), dialect)


@pytest.mark.parametrize("shelf", ["psycopg", "asyncpg"], indirect=True)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", list(POSTGRES_COLUMNS))
@settings(max_examples=5)
@given(data=st.data())
def test_what_only_postgresql_has_is_not_written_as_it_was(
    shelf: Shelf, name: str, dialect: Dialect, data: st.DataObject
) -> None:
    check_unchanged(shelf, name, data.draw(POSTGRES_COLUMNS[name][1]), dialect)


def check_unchanged(shelf: Shelf, name: str, value: Any, dialect: Dialect) -> None:
    shelf.put(shelf.kinds, id=1, **{name: value})
    with shelf.connected(shelf.kinds, dialect) as peer:
        [row] = peer.request({**FILT, "id": 1}).tuples
        with shelf.counting() as changes:
            assert peer.request(FILT, [row]).result is True
    assert changes == []
