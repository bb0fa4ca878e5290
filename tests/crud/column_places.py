"""Tables with a column of each type over each database, for the modules that test lists."""

import datetime as dt
import decimal
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    Interval,
    MetaData,
    NullPool,
    Numeric,
    PickleType,
    String,
    Table,
    create_engine,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry, sessionmaker

from tests.crud.filtering_shelf import FilteringShelf
from tests.crud.paging_shelf import PagingShelf
from tests.crud.sqlalchemy_columns import (
    COLUMNS,
    NAMED_COLUMNS,
    POSTGRES_COLUMNS,
    make_table,
    texts,
)
from tests.support.postgres import USER, PostgresServer

__all__ = ["declared_engine", "postgres_place", "postgres_url", "sqlite_place"]

_numbers = count(1)

NOW = dt.datetime(2024, 6, 1, 12)

EDGES: dict[str, list[Any]] = {
    "float": [0.1, math.nan, math.inf, -math.inf, 0.0, -0.0, 1e23, 1 / 3],
    "real": [0.1, math.nan, math.inf, -math.inf, 0.0, -0.0, 16777216.0, 1 / 3],
    "single": [0.1, 1 / 3, 0.3],
    "numeric": [decimal.Decimal("0.10"), decimal.Decimal("-0.00")],
    "wide": [decimal.Decimal(f"{number}.{'1' * 20}") for number in (10**17, 10**17 + 1, 0)],
    "precise": [decimal.Decimal("NaN"), decimal.Decimal(1) / 3, decimal.Decimal("1.0")],
    "boolean": [True, False, True],
    "string": ["", "a", "A", "ä", "a ", "'", "\\", "%"],
    "moment": [NOW.replace(tzinfo=dt.UTC, microsecond=number) for number in (0, 1)],
    "datetime": [NOW.replace(microsecond=number) for number in (0, 1)],
    "clock": [dt.time(hour, tzinfo=dt.timezone(dt.timedelta(hours=hour))) for hour in (0, 1, 2)],
    "interval": [dt.timedelta(days=30), dt.timedelta(microseconds=-1)],
    "binary": [b"", b"\0", b"\xff"],
    "address": ["10.0.0.1", "9.0.0.1", "::1"],
}
"""What is in each table beside what hypothesis thinks of."""

ALL = {
    **{name: found for name, found in COLUMNS.items() if name != "json"},
    "single": (Float(24), st.floats(width=32)),
    "wide": (Numeric(40, 20), st.decimals(-(10**17), 10**17, places=20)),
    "pickled": (PickleType(), st.integers()),
}
POSTGRES_ALL = {
    **ALL,
    **{name: found for name, found in POSTGRES_COLUMNS.items() if name != "jsonb"},
    **{name: NAMED_COLUMNS[name] for name in ("oid", "positive")},
    "cased": (postgresql.CITEXT(), texts()),
}
SQLITE_TABLE = make_table(ALL, MetaData())
POSTGRES_TABLE = make_table(POSTGRES_ALL, MetaData())


class SqliteRow:
    pass


class PostgresRow:
    pass


registry().map_imperatively(SqliteRow, SQLITE_TABLE)
registry().map_imperatively(PostgresRow, POSTGRES_TABLE)


@dataclass
class Place:
    """A table with its rows, and the handlers over it: Core and classes, sessions of both kinds."""

    engine: Engine
    table: Table
    paging: Sequence[PagingShelf]
    filtering: Sequence[FilteringShelf]

    def edges(self, name: str) -> Sequence[Any]:
        """Return what is tried of each type."""
        return EDGES.get(name, ())

    def check(self, name: str, drawn: Sequence[Any]) -> None:
        values = [None, *EDGES.get(name, ()), *drawn, *drawn[:3], None]
        count = self.fill(name, values)
        for shelf in self.paging:
            shelf.check(name, count)

    def fill(self, name: str, values: Sequence[Any]) -> int:
        """Store a row for each value that the database takes, and give how many there are."""
        count = 0
        with self.engine.begin() as link:
            link.execute(self.table.delete())
            for value in values:
                try:
                    with link.begin_nested():
                        link.execute(self.table.insert().values(id=count + 1, **{name: value}))
                except (SQLAlchemyError, OverflowError, ValueError):
                    continue
                count += 1
        return count


def make_place(url: URL, driver: str, table: Table, cls: type, columns: Any) -> Iterator[Place]:
    engine = create_engine(url)
    link = create_async_engine(url.set(drivername=driver), poolclass=NullPool)
    table.metadata.create_all(engine)
    core = PagingShelf(table, list(columns), session_factory=sessionmaker(engine))
    mapped = PagingShelf(cls, list(columns), session_factory=async_sessionmaker(link))
    names = list(columns)
    filtering = [
        FilteringShelf(table, names, session_factory=sessionmaker(engine)),
        FilteringShelf(cls, names, session_factory=async_sessionmaker(link)),
    ]
    yield Place(engine, table, [core, mapped], filtering)
    engine.dispose()


@pytest.fixture(scope="module")
def sqlite_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    url = URL.create("sqlite", database=str(tmp_path_factory.mktemp("order") / "db.sqlite3"))
    yield from make_place(url, "sqlite+aiosqlite", SQLITE_TABLE, SqliteRow, ALL)


@pytest.fixture(scope="module")
def postgres_url(postgres: PostgresServer) -> URL:
    name = f"places_{next(_numbers)}"
    postgres.create_database(name)
    query = {"host": postgres.host}
    url = URL.create("postgresql+psycopg", username=USER, database=name, query=query)
    engine = create_engine(url)
    with engine.begin() as link:
        link.execute(text("CREATE EXTENSION citext"))
        link.execute(text("CREATE EXTENSION hstore"))
    engine.dispose()
    return url


@pytest.fixture(scope="module")
def postgres_place(postgres_url: URL) -> Iterator[Place]:
    yield from make_place(
        postgres_url, "postgresql+asyncpg", POSTGRES_TABLE, PostgresRow, POSTGRES_ALL
    )


DECLARED = Table(
    "declared",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("real", Float),
    Column("number", Numeric(9, 2)),
    Column("word", String),
    Column("mood", String),
    Column("span", Interval),
)


@pytest.fixture(scope="module")
def declared_engine(postgres_url: URL) -> Iterator[Engine]:
    """Make a table of which the application has said something else."""
    engine = create_engine(postgres_url)
    with engine.begin() as link:
        link.execute(text("CREATE TYPE odd_mood AS ENUM ('zz', 'mm', 'aa')"))
        link.execute(
            text(
                "CREATE TABLE declared (id SERIAL PRIMARY KEY, real REAL, number REAL,"
                " word CITEXT, mood odd_mood, span INTERVAL)"
            )
        )
        for row in [
            "0.1, 0.1, 'a', 'zz', '1 mon'",
            "0.2, 16777216, 'A', 'aa', '30 days'",
            "0.1, 0.3, 'b', 'mm', '29 days'",
            "'NaN', 0.1, 'B', 'aa', '1 year -1 hour'",
            "NULL, NULL, NULL, NULL, NULL",
        ]:
            values = "real, number, word, mood, span"
            link.execute(text(f"INSERT INTO declared ({values}) VALUES ({row})"))
    yield engine
    engine.dispose()


DRIVERS = ("psycopg", "asyncpg")


def make_sessions(engine: Engine, driver: str) -> Any:
    """Return what opens sessions of a driver over the PostgreSQL of an engine."""
    if driver == "psycopg":
        return sessionmaker(engine)
    url = engine.url.set(drivername="postgresql+asyncpg")
    return async_sessionmaker(create_async_engine(url, poolclass=NullPool))
