"""Whatever peers filter by: rows, or a refusal that names the field; the server never fails."""

import datetime as dt
import decimal
import math
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import NullPool, Table, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import LOOKUPS
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.listing import Listing
from django_vortex.orm.crud.stores import make_store
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import SyncPeer, connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from tests.crud.django_fields import Kinds
from tests.crud.django_postgres_fields import PostgresKinds
from tests.crud.django_shelf import Shelf
from tests.crud.field_fixtures import *  # noqa: F403
from tests.crud.sqlalchemy_columns import EXAMPLES, POSTGRES, POSTGRES_EXAMPLES, SQLITE
from tests.support.postgres import USER, PostgresServer

FILT = {"key": "filters"}

HOSTILE: list[Any] = [
    *("", " ", "a", "1", "\0", "\ud800", "%", "\\", "x" * 5000, "nan", "1e999", "infinity", "now"),
    *(True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 2**200),
    *(0.1, 1e308, math.nan, math.inf, -math.inf, -0.0),
    *map(decimal.Decimal, ("0.1", "NaN", "sNaN", "Infinity", "1e400", "1e-400", "9" * 60)),
    *(b"", b"\0\xff", uuid.UUID(int=5), None, [], [None], [[1]], {}, {"a": None}, {"empty": True}),
    *(dt.date.min, dt.date.max, dt.time(1, 2, 3, 4), dt.time(1, tzinfo=dt.UTC)),
    *(dt.datetime.min, dt.datetime.max, dt.datetime.max.replace(tzinfo=dt.UTC)),
    dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))),
    *(dt.timedelta.min, dt.timedelta.max, dt.timedelta(0)),
    *("10.0.0.1", "::1", "10.0.0.0/8", "12345678-1234-5678-1234-567812345678"),
]
"""What peers may send for any value."""


STEP = 17
"""Each look-up is tried with one in so many values, each with others."""


class Filters:
    """A model of which peers may filter by everything that can be declared."""

    def __init__(self, model: Any, names: Sequence[str], **options: Any) -> None:
        self.payload_io = PayloadIO()
        self.payload_io.bind(codec=Codec(TupleRegistry()))
        self.lookups: dict[str, list[str]] = {}
        spec = make_store(model, int, None, run_nowhere).describe(model)
        for name in names:
            for lookup in sorted(LOOKUPS):
                with suppress(DefinitionError):
                    Listing(spec, filters=[f"{name}__{lookup}"])
                    self.lookups.setdefault(name, []).append(f"{name}__{lookup}")
        self.handler = OrmCrudHandler(
            FILT,
            model,
            fields=["id"],
            retrieve_all=True,
            filters=[one for some in self.lookups.values() for one in some],
            permission=AllowAny,
            payload_io=self.payload_io,
            **options,
        )

    def check(self, name: str) -> None:
        with connect(payload_io=self.payload_io) as peer:
            for number, lookup in enumerate(self.lookups.get(name, ())):
                for value in find_values(lookup)[number % STEP :: STEP]:
                    check_answer(peer, lookup, value)


async def run_nowhere(function: Any) -> Any:
    raise AssertionError


def find_values(lookup: str) -> list[Any]:
    if lookup.endswith(("__in", "__range")):
        return [*([value] for value in HOSTILE), *([value, value] for value in HOSTILE), *HOSTILE]
    return HOSTILE


def check_answer(peer: SyncPeer, lookup: str, value: Any) -> None:
    result = peer.request({**FILT, "where": {lookup: value}}).result
    if result is None:
        return
    assert isinstance(result, dict), (lookup, value, result)
    assert result["error"] == "validation", (lookup, value, result)
    [error] = result["errors"]
    assert error["field"] == lookup, (lookup, value, result)
    assert error["messages"][0] in result["text"]


DJANGO = [field.attname for field in Kinds._meta.concrete_fields]
POSTGRES_DJANGO = [field.attname for field in PostgresKinds._meta.concrete_fields]


@pytest.fixture(scope="module")
def sqlite_filters(sqlite_shelf: Shelf) -> Filters:
    return Filters(Kinds, DJANGO, using=sqlite_shelf.alias)


@pytest.fixture(scope="module")
def postgres_filters(postgres_shelf: Shelf) -> Filters:
    return Filters(Kinds, DJANGO, using=postgres_shelf.alias)


@pytest.fixture(scope="module")
def arrays_filters(arrays_shelf: Shelf) -> Filters:
    return Filters(PostgresKinds, POSTGRES_DJANGO, using=arrays_shelf.alias)


@pytest.mark.parametrize("name", DJANGO)
def test_django_fields_of_sqlite(sqlite_filters: Filters, name: str) -> None:
    sqlite_filters.check(name)


@pytest.mark.parametrize("name", DJANGO)
def test_django_fields_of_postgresql(postgres_filters: Filters, name: str) -> None:
    postgres_filters.check(name)


@pytest.mark.parametrize("name", POSTGRES_DJANGO)
def test_django_fields_that_postgresql_alone_has(arrays_filters: Filters, name: str) -> None:
    arrays_filters.check(name)


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> URL:
    url = URL.create("sqlite", database=str(tmp_path_factory.mktemp("filters") / "db.sqlite3"))
    fill(url, SQLITE, EXAMPLES)
    return url


@pytest.fixture(scope="module")
def postgres_url(postgres: PostgresServer) -> URL:
    postgres.create_database("filters")
    query = {"host": postgres.host}
    url = URL.create("postgresql+psycopg", username=USER, database="filters", query=query)
    fill(url, POSTGRES, EXAMPLES | POSTGRES_EXAMPLES)
    return url


def fill(url: URL, table: Table, values: dict[str, Any]) -> None:
    engine = create_engine(url)
    if url.drivername != "sqlite":
        with engine.begin() as link:
            link.execute(text("CREATE EXTENSION hstore"))
    table.metadata.create_all(engine)
    with engine.begin() as link:
        link.execute(table.insert().values(id=1, **values))
        link.execute(table.insert().values(id=2))
    engine.dispose()


@pytest.fixture(scope="module", params=["psycopg", "asyncpg"])
def postgres_columns(request: pytest.FixtureRequest, postgres_url: URL) -> Iterator[Filters]:
    names = [column.name for column in POSTGRES.columns]
    if request.param == "psycopg":
        engine = create_engine(postgres_url)
        yield Filters(POSTGRES, names, session_factory=sessionmaker(engine))
        engine.dispose()
        return
    url = postgres_url.set(drivername="postgresql+asyncpg")
    link = create_async_engine(url, poolclass=NullPool)
    yield Filters(POSTGRES, names, session_factory=async_sessionmaker(link))


@pytest.fixture(scope="module")
def sqlite_columns(sqlite_url: URL) -> Iterator[Filters]:
    engine = create_engine(sqlite_url)
    names = [column.name for column in SQLITE.columns]
    yield Filters(SQLITE, names, session_factory=sessionmaker(engine))
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", [column.name for column in SQLITE.columns])
def test_columns_of_sqlite(sqlite_columns: Filters, name: str) -> None:
    sqlite_columns.check(name)


@pytest.mark.filterwarnings("ignore:Type object:sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.parametrize("name", [column.name for column in POSTGRES.columns])
def test_columns_of_postgresql(postgres_columns: Filters, name: str) -> None:
    postgres_columns.check(name)
