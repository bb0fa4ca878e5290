"""A key that reading rounds finds its row; writing that row is refused, not reported as done."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, models
from sqlalchemy import (
    REAL,
    Column,
    DateTime,
    Engine,
    MetaData,
    NullPool,
    Numeric,
    String,
    Table,
    create_engine,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from tests.crud.column_places import *  # noqa: F403
from tests.crud.databases import Database
from tests.crud.field_fixtures import *  # noqa: F403

FILT = {"key": "rounded"}


class Rounded(models.Model):
    """What somebody else stores more exactly."""

    id = models.DecimalField(max_digits=40, decimal_places=20, primary_key=True)
    note = models.TextField()

    class Meta:
        app_label = "fields_tests"
        db_table = "rounded"
        managed = False


class Single(models.Model):
    """What somebody else stores with four bytes."""

    id = models.FloatField(primary_key=True)
    note = models.TextField()

    class Meta:
        app_label = "fields_tests"
        db_table = "single"
        managed = False


def check(model: Any, notes: Any, caplog: pytest.LogCaptureFixture, **options: Any) -> None:
    payload_io = PayloadIO()
    payload_io.bind(codec=Codec(TupleRegistry()))
    handler = OrmCrudHandler(
        FILT,
        model,
        fields=["id", "note"],
        retrieve_all=True,
        client_keys=True,
        permission=AllowAny,
        payload_io=payload_io,
        **options,
    )
    with connect(payload_io=payload_io) as peer:
        rows = peer.request(FILT).tuples
        assert len(rows) == 2
        for row in rows:
            [found] = peer.request({**FILT, "id": row.id}).tuples
            assert (found.id, found.note) == (row.id, row.note)
            row.note = "changed"
            for filt, tuples in ((FILT, [row]), ({**FILT, "delete": True}, [row])):
                caplog.clear()
                reply = peer.request(filt, tuples)
                assert reply.result["error"] == "internal", reply.result
                [record] = [one for one in caplog.records if one.levelno >= logging.ERROR]
                assert "primary key that is rounded when it is read" in str(record.exc_info)
        reply = peer.request({**FILT, "id": rows[0].id, "delete": True})
        assert reply.result["error"] == "internal", reply.result
    assert notes() == ["a", "b"]
    del handler


@pytest.fixture(scope="module")
def sqlite_alias(tmp_path_factory: Any, django_db_blocker: Any) -> Iterator[str]:
    database = Database(str(tmp_path_factory.mktemp("rounded") / "db.sqlite3"))
    with django_db_blocker.unblock(), database.in_django():
        with connections[database.alias].cursor() as cursor:
            cursor.execute("CREATE TABLE rounded (id DECIMAL PRIMARY KEY, note TEXT)")
            cursor.execute(
                "INSERT INTO rounded VALUES (0.30000000000000004, 'a'), (1234567890123456789, 'b')"
            )
        yield database.alias


def read_notes(alias: str, table: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT note FROM {table} ORDER BY note")
        return [note for (note,) in cursor.fetchall()]


def test_decimals_of_django_over_sqlite(
    sqlite_alias: str, caplog: pytest.LogCaptureFixture
) -> None:
    check(Rounded, lambda: read_notes(sqlite_alias, "rounded"), caplog, using=sqlite_alias)


def test_floats_of_django_over_postgresql(
    fields_alias: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connections[fields_alias].cursor() as cursor:
        cursor.execute("CREATE TABLE single (id REAL PRIMARY KEY, note TEXT)")
        cursor.execute("INSERT INTO single VALUES (0.1, 'a'), (3.3333333, 'b')")
    check(Single, lambda: read_notes(fields_alias, "single"), caplog, using=fields_alias)


SQLITE_KEYS: dict[str, tuple[Any, list[str]]] = {
    "moment": (DateTime(), ["'2024-01-01 10:00:00'", "'2024-01-01T00:00:00'"]),
    "number": (Numeric(30, 0), ["1234567890123456789", "1234567890123450001"]),
    "places": (Numeric(), ["0.33333333333", "0.66666666666"]),
}
POSTGRES_KEYS: dict[str, tuple[Any, list[str]]] = {"single": (REAL(), ["0.1", "3.3333333"])}


def check_table(
    engine: Engine, sessions: Any, name: str, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    keys = {**SQLITE_KEYS, **POSTGRES_KEYS}[name][1]
    columns = Column("id", kind, primary_key=True), Column("note", String)
    table = Table(f"rounded_{name}", MetaData(), *columns)
    table.create(engine, checkfirst=True)

    def notes() -> list[str]:
        with engine.begin() as link:
            return list(link.scalars(text(f"SELECT note FROM {table.name} ORDER BY note")))

    with engine.begin() as link:
        link.execute(table.delete())
        for key, note in zip(keys, "ab", strict=True):
            value = f"({key}, '{note}')".replace(":", r"\:")
            link.execute(text(f"INSERT INTO {table.name} VALUES {value}"))
    check(table, notes, caplog, session_factory=sessions)


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", list(SQLITE_KEYS))
@pytest.mark.parametrize("is_async", [False, True])
def test_columns_of_sqlite(
    tmp_path: Any, name: str, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    url = URL.create("sqlite", database=str(tmp_path / "db.sqlite3"))
    engine = create_engine(url)
    link = create_async_engine(url.set(drivername="sqlite+aiosqlite"), poolclass=NullPool)
    sessions: Any = async_sessionmaker(link) if is_async else sessionmaker(engine)
    check_table(engine, sessions, name, SQLITE_KEYS[name][0], caplog)
    engine.dispose()


def test_columns_of_postgresql(postgres_url: URL, caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine(postgres_url)  # asyncpg reads all digits of a REAL
    check_table(engine, sessionmaker(engine), "single", REAL(), caplog)
    engine.dispose()
