"""Types that few tables have: what was read of them finds its row as well."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    CHAR,
    TIMESTAMP,
    Column,
    DateTime,
    Double,
    Engine,
    Float,
    Integer,
    Interval,
    MetaData,
    NullPool,
    Numeric,
    Table,
    Time,
    TypeDecorator,
    create_engine,
    insert,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.crud.listing import MAX_OPERANDS
from tests.crud.column_places import *  # noqa: F403
from tests.crud.filtering_shelf import FilteringShelf


class Named(TypeDecorator[Any]):
    """A type that only has another name."""

    impl = Numeric
    cache_ok = True


RARE: dict[str, tuple[Any, str]] = {
    "filled": (CHAR(5), "'a'"),
    "second": (TIMESTAMP(), "CURRENT_TIMESTAMP"),
    "aware": (DateTime(timezone=True), "CURRENT_TIMESTAMP"),
    "hour": (Time(), "CURRENT_TIME"),
    "decimal_float": (Float(asdecimal=True), "0.3333333333333333"),
    "decimal_double": (Double(asdecimal=True, decimal_return_scale=3), "0.3333333333333333"),
    "boundless": (Numeric(), "0.3333333333333333"),
    "float_numeric": (Numeric(asdecimal=False), "0.33333333333333333333333"),
    "wide_float": (Numeric(40, 20, asdecimal=False), "0.33333333333333333333333"),
    "named": (Named(40, 20), "0.33333333333333333333333"),
    "variant": (Numeric(9, 2).with_variant(Numeric(40, 20), "sqlite"), "0.3333333333333333"),
    "large": (Numeric(30, 0), "1234567890123456789"),
    "cents": (Numeric(9, 2), "0.105"),
    "interval": (Interval(), "NULL"),
}
SQLITE_RARE: dict[str, tuple[Any, str]] = {
    "short": (sqlite.DATETIME(truncate_microseconds=True), "'2024-01-01 10:00:00'"),
    "own": (
        sqlite.DATETIME(
            storage_format="%(year)04d%(month)02d%(day)02d%(hour)02d%(minute)02d%(second)02d",
            regexp=r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)",
        ),
        "'20240101100000'",
    ),
    "milliseconds": (DateTime(), "STRFTIME('%Y-%m-%d %H:%M:%f', '2024-01-01 10:00:00.120')"),
    "iso": (DateTime(), "'2024-01-01T10:00:00.5'"),
}
POSTGRES_RARE: dict[str, tuple[Any, str]] = {
    "whole_seconds": (postgresql.TIMESTAMP(precision=0), "CURRENT_TIMESTAMP"),
    "whole_time": (postgresql.TIME(precision=0), "CURRENT_TIME"),
    "whole_span": (postgresql.INTERVAL(precision=0), "'1 year 1.6 seconds'"),
    "years": (Interval(), "'-1 year -1 mon 2 days'"),
    "cased": (postgresql.CITEXT(), "'A'"),
    "reals": (ARRAY(postgresql.REAL), "'{0.1}'"),
    "fills": (ARRAY(CHAR(3)), "'{a}'"),
    "real_decimal": (postgresql.REAL(asdecimal=True), "0.1"),
    "bytes4": (Float(24), "0.1"),
    "address": (postgresql.INET(), "'10.0.0.1/8'"),
    "network": (postgresql.CIDR(), "'10.0.0.0/8'"),
    "hardware": (postgresql.MACADDR(), "'08-00-2b-01-02-03'"),
}


def make_rare(columns: dict[str, tuple[Any, str]]) -> Table:
    made = [Column(name, kind) for name, (kind, _) in columns.items()]
    return Table("rare", MetaData(), Column("id", Integer, primary_key=True), *made)


def fill_rare(engine: Engine, columns: dict[str, tuple[Any, str]]) -> Table:
    table = make_rare(columns)
    table.create(engine)
    with engine.begin() as link:
        for key in (1, 2):
            values = ", ".join(sql for _, sql in columns.values())
            link.execute(text(f"INSERT INTO rare VALUES ({key}, {values})".replace(":", r"\:")))
        link.execute(insert(table).values(id=3))
    return table


ON_SQLITE, ON_POSTGRES = RARE | SQLITE_RARE, RARE | POSTGRES_RARE


@pytest.fixture(scope="module")
def sqlite_rare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[FilteringShelf]]:
    url = URL.create("sqlite", database=str(tmp_path_factory.mktemp("rare") / "db.sqlite3"))
    yield from make_shelves(url, "sqlite+aiosqlite", ON_SQLITE)


@pytest.fixture(scope="module")
def postgres_rare(postgres_url: URL) -> Iterator[list[FilteringShelf]]:
    yield from make_shelves(postgres_url, "postgresql+asyncpg", ON_POSTGRES)


def make_shelves(url: URL, driver: str, columns: Any) -> Iterator[list[FilteringShelf]]:
    engine = create_engine(url)
    table = fill_rare(engine, columns)
    link = create_async_engine(url.set(drivername=driver), poolclass=NullPool)
    yield [
        FilteringShelf(table, list(columns), session_factory=sessionmaker(engine)),
        FilteringShelf(table, list(columns), session_factory=async_sessionmaker(link)),
    ]
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", list(ON_SQLITE))
def test_columns_of_sqlite(sqlite_rare: list[FilteringShelf], name: str) -> None:
    for shelf in sqlite_rare:
        assert shelf.check(name) == (0 if name == "interval" else 2)


@pytest.mark.parametrize("name", list(ON_POSTGRES))
def test_columns_of_postgresql(postgres_rare: list[FilteringShelf], name: str) -> None:
    for shelf in postgres_rare:
        assert shelf.check(name) == (0 if name == "interval" else 2)


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", ["second", "boundless", "cents", "decimal_float", "filled"])
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_as_many_values_as_allowed(
    name: str, database: str, request: pytest.FixtureRequest
) -> None:
    for shelf in request.getfixturevalue(f"{database}_rare"):
        shelf.check_many(name, MAX_OPERANDS)


@pytest.mark.parametrize("value", [True, uuid.UUID(int=1), "one", [1]])
def test_values_of_another_kind_are_refused(
    sqlite_rare: list[FilteringShelf], postgres_rare: list[FilteringShelf], value: Any
) -> None:
    for shelf in (*sqlite_rare, *postgres_rare):
        told = shelf.refuse("named", value)
        assert "named" in told
        assert "could not answer" not in told
