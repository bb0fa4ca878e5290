"""What else SQLAlchemy maps: values that track their changes, tables that are joined, odd names."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from sqlalchemy import JSON, ForeignKey, Numeric, PickleType, create_engine
from sqlalchemy import __version__ as SQLALCHEMY
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Asker, Record, Reply

DIALECTS = [Dialect.NATIVE, Dialect.D1, Dialect.D2]
FILT = {"key": "mapped"}
SNAN = Decimal("sNaN")


class Base(DeclarativeBase):
    pass


class Tracked(Base):
    __tablename__ = "tracked"
    id: Mapped[int] = mapped_column(primary_key=True)
    options: Mapped[Any] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    steps: Mapped[Any] = mapped_column(MutableList.as_mutable(JSON), default=list)


class Pickled(Base):
    __tablename__ = "pickled"
    id: Mapped[int] = mapped_column(primary_key=True)
    thing: Mapped[Any] = mapped_column(PickleType)


class Employee(Base):
    __tablename__ = "employee"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}


class Manager(Employee):
    __tablename__ = "manager"
    id: Mapped[int] = mapped_column(ForeignKey("employee.id"), primary_key=True)
    level: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"polymorphic_identity": "manager"}


class Coin(Base):
    __tablename__ = "coin"
    value: Mapped[Decimal] = mapped_column(Numeric(5, 2), primary_key=True)
    name: Mapped[str | None]


# Before 2.0.55 SQLAlchemy names parameters after such a column in a way that SQLite cannot read.
ODD_NAME = 'a "b" %(x)s' if Version(SQLALCHEMY) >= Version("2.0.55") else 'a "b"'


class Odd(Base):
    __tablename__ = "odd 'table'"
    id: Mapped[int] = mapped_column("the id", primary_key=True)
    filt: Mapped[str | None] = mapped_column(ODD_NAME)
    delete: Mapped[str | None]
    next: Mapped[str | None]
    values: Mapped[str | None]
    keys: Mapped[str | None]
    tuples: Mapped[str | None]
    cls: Mapped[str | None]
    new: Mapped[str | None]


class Table:
    """One of the classes with its handler."""

    def __init__(self, session_factory: Any) -> None:
        self.session_factory = session_factory
        self.payload_io = PayloadIO()
        self.payload_io.bind(codec=Codec(TupleRegistry()))
        self.handlers: list[OrmCrudHandler] = []

    def serve(self, model: Any, filt: dict[str, Any] = FILT, **options: Any) -> None:
        options = {"fields": "__all__", "permission": AllowAny, **options}
        options |= {"session_factory": self.session_factory, "payload_io": self.payload_io}
        self.handlers.append(
            OrmCrudHandler(filt, model, type_name=f"mapped.{model.__name__}", **options)
        )

    async def ask(
        self, filt: dict[str, Any], *tuples: Any, dialect: Dialect = Dialect.NATIVE
    ) -> Reply:
        async with connect(payload_io=self.payload_io, dialect=dialect) as peer:
            return await Asker(peer, dialect).ask(filt, list(tuples) or None)


@pytest.fixture(params=["sqlalchemy", "async"])
async def table(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Table]:
    """Empty tables over both kinds of sessions."""
    name = tmp_path / "mapped.sqlite3"
    engine = create_engine(f"sqlite:///{name}")
    Base.metadata.create_all(engine)
    if request.param == "sqlalchemy":
        yield Table(sessionmaker(engine))
    else:
        asynchronous = create_async_engine(f"sqlite+aiosqlite:///{name}")
        yield Table(async_sessionmaker(asynchronous))
        await asynchronous.dispose()
    engine.dispose()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_values_that_track_their_changes_travel_as_others(
    table: Table, dialect: Dialect
) -> None:
    table.serve(Tracked, retrieve_all=True)
    sent = Record("mapped.Tracked", options={"a": [1, {"b": None}]}, steps=[[1], {"c": 2}])
    saved = await table.ask(FILT, sent, dialect=dialect)
    assert saved.result is True
    [row] = saved.tuples
    assert (await table.ask({**FILT, "id": 1}, dialect=dialect)).tuples == [row]
    assert (await table.ask(FILT, dialect=dialect)).tuples == [row]
    row.fields["steps"] = row["steps"][:1]
    [changed] = (await table.ask(FILT, row, dialect=dialect)).tuples
    assert (changed["options"], changed["steps"]) == (row["options"], row["steps"])


async def test_what_peers_send_is_pickled_and_never_unpickled(table: Table) -> None:
    table.serve(Pickled)
    for key, thing in enumerate([b"cbuiltins\nexit\n(tR.", {"a": [1, None]}, "text"], 1):
        reply = await table.ask(FILT, Record("mapped.Pickled", thing=thing))
        assert reply.result is True
        assert (await table.ask({**FILT, "id": key})).tuples[0]["thing"] == thing


async def test_a_row_of_joined_tables_gets_its_key_from_the_database(table: Table) -> None:
    table.serve(Manager)
    everybody = {"key": "employees"}
    table.serve(Employee, everybody, retrieve_all=True)
    [made] = (await table.ask(FILT, Record("mapped.Manager", name="Ann", level=3))).tuples
    assert (made["id"], made["kind"], made["level"]) == (1, "manager", 3)
    made.fields |= {"name": "Eve", "level": 4}
    assert (await table.ask(FILT, made)).tuples == [made]
    [employee] = (await table.ask(everybody)).tuples
    assert (employee["kind"], employee["name"]) == ("manager", "Eve")
    assert (await table.ask({**FILT, "delete": True}, made)).result is True
    assert (await table.ask(everybody)).tuples == []


async def test_nobody_sets_what_class_a_row_has(table: Table) -> None:
    table.serve(Employee, retrieve_all=True)
    for kind in ("manager", "nonsense"):
        reply = await table.ask(FILT, Record("mapped.Employee", name="Ann", kind=kind))
        assert "read-only" in reply.error
    assert (await table.ask(FILT)).tuples == []


async def test_a_key_that_is_no_number_is_refused(table: Table) -> None:
    table.serve(Coin, client_keys=True)
    for filt in (FILT, {**FILT, "delete": True}):
        reply = await table.ask(filt, Record("mapped.Coin", value=SNAN))
        assert [error["field"] for error in reply.result["errors"]] == ["value"]
    assert (await table.ask({**FILT, "id": SNAN})).tuples == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_names_that_mean_something_elsewhere_are_fields(
    table: Table, dialect: Dialect
) -> None:
    names = ["filt", "delete", "next", "values", "keys", "tuples", "cls", "new"]
    table.serve(Odd, retrieve_all=True, filters=names, ordering=names)
    sent = Record("mapped.Odd", **{name: name for name in names})
    [made] = (await table.ask(FILT, sent, dialect=dialect)).tuples
    assert {name: made[name] for name in names} == sent.fields
    asked = {**FILT, "where": {name: name for name in names}, "order": names}
    assert (await table.ask(asked, dialect=dialect)).tuples == [made]
