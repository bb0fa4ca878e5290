"""The same row has the same values wherever it travels, for every kind of field.

As a row of an `OrmCrudHandler`, in its lists, inside another row, from a `RowsHandler`, from a
`ModelHandler` and from an endpoint that returns instances.
"""

import asyncio
import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from django.core.files.base import ContentFile
from django.db import connections
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange, NumericRange
from sqlalchemy import Column, ForeignKey, Integer, NullPool, Table, create_engine, select
from sqlalchemy.engine import URL, Engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, registry, relationship, sessionmaker

from django_vortex.handlers import ModelHandler
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.rows_handler import RowsHandler
from django_vortex.orm.django import tuples as django_tuples
from django_vortex.orm.sqlalchemy import tuples as sqlalchemy_tuples
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.permissions import AllowAny
from django_vortex.tuples import TupleRegistry, tuple_type
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.inflate import inflate
from tests.crud.django_fields import Kinds, Level, Mood, Owner
from tests.crud.django_postgres_fields import PostgresKinds
from tests.crud.django_shelf import Shelf
from tests.crud.field_fixtures import *  # noqa: F403
from tests.crud.field_fixtures import PARTNER
from tests.crud.sqlalchemy_columns import (
    COLUMNS,
    EXAMPLES,
    NAMED_COLUMNS,
    NAMED_EXAMPLES,
    POSTGRES_COLUMNS,
    POSTGRES_EXAMPLES,
)
from tests.support.postgres import USER, PostgresServer
from tests.support.routing import Bench

NOON = dt.datetime(2024, 1, 2, 12, 0, 0, 5, tzinfo=dt.UTC)

DIALECTS = [Dialect.NATIVE, Dialect.D2, Dialect.D1, Dialect.D1B]

VALUES: dict[str, Any] = {
    "version": 3,
    "big": 2**60,
    "binary": b"\0\xff",
    "boolean": True,
    "char": "ä",
    "date": NOON.date(),
    "moment": NOON,
    "decimal": decimal.Decimal("9.90"),
    "digits": decimal.Decimal("1.5"),
    "duration": dt.timedelta(days=3, microseconds=1),
    "email": "a@b.org",
    "path": "/tmp/x",
    "float": 1.0,
    "address": "::1",
    "integer": -5,
    "json": {"_ct": "x", "1": [1, None, {"a": 2.5}]},
    "rich_json": {"a": NOON},
    "positive_big": 2**60,
    "positive": 5,
    "positive_small": 5,
    "slug": "a-b",
    "small": 4,
    "text": "long\n",
    "time": dt.time(3, 4, 5, 6),
    "url": "https://example.org",
    "uuid": uuid.UUID(int=5),
    "mood": Mood.BAD,
    "level": Level.HIGH,
    "counted": 7,
    "owner_id": 1,
    "partner_id": PARTNER,
}

POSTGRES_VALUES: dict[str, Any] = {
    "version": 3,
    "integers": [1, None],
    "strings": ["a", None],
    "prices": [decimal.Decimal("9.90")],
    "ratios": [1.0],
    "moments": [NOON],
    "days": [NOON.date()],
    "uuids": [uuid.UUID(int=5)],
    "blobs": [b"\0\xff"],
    "documents": [{"1": [1]}],
    "matrix": [[1, 2], [3, 4]],
    "spans": [NumericRange(1, 5)],
    "store": {"1": None, "a": "b"},
    "whole_range": NumericRange(1, 5),
    "big_range": NumericRange(None, 2**60),
    "price_range": NumericRange(decimal.Decimal(1), None),
    "moment_range": DateTimeTZRange(NOON, None),
    "day_range": DateRange(empty=True),
    "collated": "ä",
}


def run_in_thread(function: Callable[[], Any]) -> Any:
    """Run a function where it may block, and keep no connection of that thread."""

    def run() -> Any:
        try:
            return function()
        finally:
            connections.close_all()

    return asyncio.to_thread(run)


class Surfaces:
    """All ways in which the rows of one model travel.

    Args:
        model: Whose rows.
        fields: What is compared.
        outer: A model whose one row has them inside, under the name of a relation, or None.
        relation: The name.
        fetch: Lists the instances with all that travels.
        options: What an `OrmCrudHandler` of it needs.
    """

    def __init__(
        self,
        model: Any,
        fields: list[str],
        *,
        outer: Any,
        relation: str,
        fetch: Callable[[], Any],
        rows: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        self.fields = fields
        self.relation = relation
        tuples = TupleRegistry()
        django_tuples.install(tuples)
        sqlalchemy_tuples.install(tuples)
        self.bench = Bench(tuples)
        self.bench.payload_io.bind(run_sync=run_in_thread)
        tuple_type("t.Row", fields=["id", *fields], registry=tuples)(model)
        common: dict[str, Any] = {"payload_io": self.bench.payload_io, "permission": AllowAny}

        class Instances(ModelHandler):
            def build_model(self, request: Any) -> Any:
                return fetch()

        async def give(request: Any) -> Any:
            return await run_in_thread(fetch)

        crud = {**common, **options, "retrieve_all": True}
        # One whose tuples are records, and one whose tuples are instances of the model.
        self.kept = [
            RowsHandler({"key": "rows"}, model, **rows, **common),
            Instances({"key": "instances"}, **common),
            PayloadEndpoint({"key": "endpoint"}, lambda request: fetch(), **common),
            PayloadEndpoint({"key": "coroutine"}, give, **common),
            OrmCrudHandler({"key": "crud"}, model, fields=fields, type_name="t.Crud", **crud),
            OrmCrudHandler({"key": "adopted"}, model, **crud),
        ]
        if outer is not None:
            inside = {relation: ["id", *fields]}
            filt = {"key": "nested"}
            self.kept.append(OrmCrudHandler(filt, outer, fields=["id"], nested=inside, **crud))

    async def read(self, filt: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
        """Return the members of the one tuple of an answer, as they stand on the wire."""
        reply = await self.bench.ask_one(filt, dialect=dialect)
        assert reply.result is None, reply.result
        text = reply.encoded(self.bench.codec, dialect, None)
        [sent] = msgspec.json.decode(inflate(text, 10**7))["tuples"]
        if filt["key"] == "nested":
            [sent] = sent[self.relation]
        return {name: sent[name] for name in self.fields}

    async def compare(self, key: Any) -> None:
        """Fail unless all ways give the same."""
        filts = [{"key": kept.filt["key"]} for kept in self.kept]
        filts += [{"key": "crud", "id": key}, {"key": "adopted", "id": key}]
        for dialect in DIALECTS:
            expected, *others = [await self.read(filt, dialect) for filt in filts]
            for filt, found in zip(filts[1:], others, strict=True):
                assert found == expected, (filt, dialect)
            assert None not in expected.values()


def open_django(model: Any, alias: str, relation: str, outer: Any) -> Surfaces:
    fields = [one.attname for one in model._meta.concrete_fields if one.attname != "id"]
    rows = model._base_manager.using(alias)
    return Surfaces(
        model,
        fields,
        outer=outer,
        relation=relation,
        fetch=lambda: list(rows.all()),
        rows={"queryset": rows.all()},
        options={"using": alias},
    )


def test_rows_of_django(shelf: Shelf) -> None:
    shelf.rows.all().delete()
    row = shelf.model(id=1, **VALUES)
    row.file.save("b c.txt", ContentFile(b"x"), save=False)
    row.image.save("ä.png", ContentFile(b"x"), save=False)
    row.save(using=shelf.alias)
    Owner.objects.using(shelf.alias).exclude(id=1).delete()
    try:
        surfaces = open_django(Kinds, shelf.alias, "kinds_set", Owner)
        asyncio.run(surfaces.compare(1))
        sent = asyncio.run(surfaces.read({"key": "rows"}, Dialect.NATIVE))
        assert sent["file"].startswith("/files/b_c")
        # Without a file it is None, whatever stands in the column.
        for nothing in (None, ""):
            shelf.rows.update(file=nothing, image=nothing)
            for kept in surfaces.kept:
                sent = asyncio.run(surfaces.read({"key": kept.filt["key"]}, Dialect.NATIVE))
                assert (sent["file"], sent["image"]) == (None, None)
    finally:
        Owner.objects.using(shelf.alias).bulk_create([Owner(id=2), Owner(id=3)])


def test_rows_of_django_that_only_postgresql_has(arrays_shelf: Shelf) -> None:
    arrays_shelf.rows.all().delete()
    arrays_shelf.rows.create(id=1, **POSTGRES_VALUES)
    with connections[arrays_shelf.alias].cursor() as cursor:
        cursor.execute("UPDATE fields_tests_postgreskinds SET words = to_tsvector('a b')")
    surfaces = open_django(PostgresKinds, arrays_shelf.alias, "", None)  # nothing refers to it
    asyncio.run(surfaces.compare(1))


def open_sqlalchemy(engine: Engine, columns: dict[str, Any], make_factory: Any) -> Surfaces:
    mapping = registry()
    boxes = Table("same_boxes", mapping.metadata, Column("id", Integer, primary_key=True))
    made = [Column(name, kind) for name, (kind, _) in columns.items()]
    box = Column("box_id", ForeignKey(boxes.c.id))
    table = Table(
        "same_kinds", mapping.metadata, Column("id", Integer, primary_key=True), box, *made
    )
    row_class, box_class = type("Row", (), {}), type("Box", (), {})
    mapping.map_imperatively(row_class, table)
    mapping.map_imperatively(box_class, boxes, properties={"rows": relationship(row_class)})
    mapping.metadata.create_all(engine)
    examples = EXAMPLES | POSTGRES_EXAMPLES | NAMED_EXAMPLES
    with engine.begin() as link:
        link.execute(boxes.insert().values(id=1))
        values = {name: examples[name] for name in columns}
        link.execute(table.insert().values(id=1, box_id=1, **values))
    factory = sessionmaker(engine)

    def fetch() -> list[Any]:
        with Session(engine) as session:
            return list(session.scalars(select(row_class)))

    return Surfaces(
        row_class,
        ["box_id", *columns],
        outer=box_class,
        relation="rows",
        fetch=fetch,
        rows={"session_factory": factory},
        options={"session_factory": factory if make_factory is None else make_factory()},
    )


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[URL]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield URL.create("sqlite", database=str(tmp_path / "same.sqlite3"))
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"same_{uuid.uuid4().hex[:8]}"
    server.create_database(name)
    with psycopg.connect(host=server.host, user=USER, dbname=name) as link:
        link.execute("CREATE EXTENSION hstore")
    query = {"host": server.host}
    yield URL.create("postgresql+psycopg", username=USER, database=name, query=query)


@pytest.mark.parametrize("is_async", [False, True])
def test_rows_of_sqlalchemy(address: URL, is_async: bool) -> None:
    is_sqlite = address.drivername == "sqlite"
    engine = create_engine(address, poolclass=NullPool)
    driver = "sqlite+aiosqlite" if is_sqlite else "postgresql+asyncpg"
    async_engine = create_async_engine(address.set(drivername=driver), poolclass=NullPool)
    columns = COLUMNS if is_sqlite else COLUMNS | POSTGRES_COLUMNS | NAMED_COLUMNS
    make_factory = (lambda: async_sessionmaker(async_engine)) if is_async else None
    surfaces = open_sqlalchemy(engine, columns, make_factory)
    asyncio.run(surfaces.compare(1))
