"""SQLAlchemy classes travel as they are; relationships never, and nothing loads on a loop."""

import asyncio
import datetime
import decimal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    load_only,
    mapped_column,
    relationship,
)
from sqlalchemy.pool import StaticPool

from django_vortex.exceptions import (
    DefinitionError,
    LoadsOnLoop,
    MalformedMessage,
    UnencodableValue,
)
from django_vortex.tuples import TupleRegistry, present_fields, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.unit.orm.tables import (
    Airport,
    Base,
    Country,
    Everything,
    Heliport,
    Imperative,
    Modern,
    Old,
    State,
)
from tests.unit.orm.travelling import rebuilt, sent, types_of

VALUES: dict[str, Any] = {
    "id": 5,
    "flag": True,
    "ratio": 1.0,
    "price": decimal.Decimal("9.90"),
    "rough": 2.5,
    "at": datetime.datetime(2024, 1, 2, 3, 4, 5, 678901),
    "on": datetime.date(2024, 1, 2),
    "clock": datetime.time(3, 4),
    "took": datetime.timedelta(seconds=90),
    "blob": b"\0\1",
    "key": uuid.UUID(int=5),
    "state": State.OPEN,
    "extra": {"_ct": "x", "1": [1, None]},
    "pickled": [1, 2],
    "letters": "ab",
    "secret": "x",
}


class Statements(list[str]):
    """The statements that an engine has executed."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self.append(statement)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An empty database with all tables."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(Country(id=1, name="Utopia"))
        session.add(Airport(id=1, name="Nowhere", country_id=1, notes="long"))
        session.add(Heliport(id=2, name="Roof"))
    yield engine
    engine.dispose()


@pytest.fixture
def airports(tuples: TupleRegistry) -> TupleRegistry:
    tuple_type("t.Airport", fields="__all__", registry=tuples)(Airport)
    return tuples


def test_every_kind_of_column_has_its_type(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields="__all__", registry=tuples)(Everything)
    types = types_of(tuples, Everything)
    unknown = {name for name, kind in types.items() if kind in (None, object, Any)}
    assert unknown == {"extra", "pickled", "letters", "secret"}
    assert {name: kind for name, kind in types.items() if name not in unknown} == {
        name: type(value) for name, value in VALUES.items() if name not in unknown
    }


def test_an_instance_comes_back_equal(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields="__all__", registry=tuples)(Everything)
    codec = Codec(tuples)
    written = codec.encode_value(Everything(**VALUES), Dialect.NATIVE)
    again = codec.decode_value(written, Dialect.NATIVE)
    assert type(again) is Everything
    assert {name: getattr(again, name) for name in VALUES} == VALUES


def test_only_mapped_columns_travel_under_their_attribute_names(airports: TupleRegistry) -> None:
    assert types_of(airports, Airport) == {
        "id": int,
        "name": str,
        "country_id": int,
        "notes": str,
        "kind": str,
    }


@pytest.mark.parametrize("cls", [Old, Modern, Imperative])
def test_all_styles_of_mapping_are_known(tuples: TupleRegistry, cls: type[Any]) -> None:
    tuple_type("t.It", fields="__all__", registry=tuples)(cls)
    instance: Any = cls()
    instance.name = "x"
    assert sent(tuples, instance) == {"_ct": "rt", "_c": "t.It", "id": None, "name": "x"}
    built = rebuilt(tuples, "t.It", name="y")
    assert (type(built), built.name, inspect(built).transient) == (cls, "y", True)


@pytest.mark.parametrize("cls", [Old, Modern, Imperative])
def test_a_mapped_class_names_the_fields_that_travel(tuples: TupleRegistry, cls: type[Any]) -> None:
    with pytest.raises(DefinitionError, match=r"fields=\['id', 'name'\].*fields='__all__'"):
        tuple_type("t.It", registry=tuples)(cls)


def test_a_mapped_dataclass_names_the_fields_that_travel(tuples: TupleRegistry) -> None:
    class DataBase(MappedAsDataclass, DeclarativeBase):
        pass

    class Login(DataBase):
        __tablename__ = "login"
        id: Mapped[int] = mapped_column(primary_key=True)
        secret: Mapped[str]
        holder: Mapped[Any] = relationship("Holder", default=None)  # which is not there yet

    with pytest.raises(DefinitionError, match=r"fields=\['id', 'secret'\]"):
        tuple_type("t.Login", registry=tuples)(Login)


def test_fields_are_chosen(tuples: TupleRegistry) -> None:
    tuple_type("t.Airport", fields=["id", "name"], registry=tuples)(Airport)
    assert list(types_of(tuples, Airport)) == ["id", "name"]


@pytest.fixture
def named(tuples: TupleRegistry) -> TupleRegistry:
    """A registry in which airports travel without what is loaded later."""
    tuple_type("t.Airport", fields=["id", "name", "kind"], registry=tuples)(Airport)
    return tuples


def test_reading_what_is_loaded_executes_nothing(named: TupleRegistry, engine: Engine) -> None:
    with Session(engine) as session:
        rows = session.scalars(select(Airport).order_by(Airport.id)).all()
        statements = Statements(engine)
        written = [sent(named, row) for row in rows]
    assert [row["name"] for row in written] == ["Nowhere", "Roof"]
    assert [row["_c"] for row in written] == ["t.Airport", "t.Airport"]
    assert statements == []


def test_a_detached_instance_is_read(named: TupleRegistry, engine: Engine) -> None:
    with Session(engine) as session:
        row = session.get(Airport, 1)
    assert sent(named, row)["name"] == "Nowhere"


LEFT_OUT = [select(Airport), select(Airport).options(load_only(Airport.id))]


@pytest.mark.parametrize("statement", LEFT_OUT, ids=["deferred", "load_only"])
def test_columns_left_out_of_a_query_are_loaded_where_that_may_block(
    airports: TupleRegistry, engine: Engine, statement: Any
) -> None:
    with Session(engine) as session:
        row = session.scalars(statement.where(Airport.id == 1)).one()
        written = sent(airports, row)
    assert (written["name"], written["notes"]) == ("Nowhere", "long")


async def test_columns_left_out_of_a_query_are_not_loaded_on_a_loop(
    airports: TupleRegistry, engine: Engine
) -> None:
    with Session(engine) as session:
        row = session.scalars(LEFT_OUT[0]).first()
        statements = Statements(engine)
        with pytest.raises(LoadsOnLoop, match=r"Airport.notes is deferred .* at `\$\[0\]\.notes`"):
            Codec(airports).encode_value([row], Dialect.NATIVE)
    assert statements == []


@pytest.mark.parametrize("statement", LEFT_OUT, ids=["deferred", "load_only"])
def test_columns_left_out_of_a_detached_instance_are_told_and_no_nulls(
    airports: TupleRegistry, engine: Engine, statement: Any
) -> None:
    with Session(engine) as session:
        row = session.scalars(statement).first()
    with pytest.raises(UnencodableValue, match=r"is deferred and its session is closed.* at `\$\."):
        sent(airports, row)


async def test_what_an_async_session_left_out_is_told_and_no_nulls(
    airports: TupleRegistry, tmp_path: Path
) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/rows.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        session.add(Airport(id=1, name="Nowhere", notes="long"))
        await session.commit()
        row = (await session.scalars(select(Airport))).one()
        with pytest.raises(UnencodableValue, match="an AsyncSession loads nothing by itself"):
            sent(airports, row)
        with pytest.raises(UnencodableValue, match="an AsyncSession loads nothing by itself"):
            await asyncio.to_thread(sent, airports, row)
        await session.refresh(row, ["notes"])
        assert sent(airports, row)["notes"] == "long"
    await engine.dispose()


def test_a_new_instance_has_nothing_where_nothing_was_set(airports: TupleRegistry) -> None:
    assert sent(airports, Airport(id=3))["notes"] is None


def test_an_expired_instance_is_loaded_where_that_may_block(
    airports: TupleRegistry, engine: Engine
) -> None:
    with Session(engine) as session:
        row = Airport(id=3, name="New")
        session.add(row)
        session.commit()
        assert sent(airports, row)["name"] == "New"


async def test_an_expired_instance_is_not_loaded_on_a_loop(
    airports: TupleRegistry, engine: Engine
) -> None:
    assert asyncio.get_running_loop().is_running()
    with Session(engine) as session:
        row = session.get(Airport, 1)
        session.commit()
        statements = Statements(engine)
        with pytest.raises(DefinitionError, match="has expired and would be loaded on the event"):
            sent(airports, row)
    assert statements == []


def test_what_expired_with_its_session_closed_is_not_sent_as_none(
    airports: TupleRegistry, engine: Engine
) -> None:
    with Session(engine) as session:
        row = session.get(Airport, 1)
        session.commit()
    with pytest.raises(DefinitionError, match="has expired and its session is closed"):
        sent(airports, row)


def test_a_new_instance_travels_with_none_for_what_is_not_set(airports: TupleRegistry) -> None:
    assert sent(airports, Airport(name="x")) == {
        "_ct": "rt",
        "_c": "t.Airport",
        "id": None,
        "name": "x",
        "country_id": None,
        "notes": None,
        "kind": "airport",
    }


def test_a_peer_sets_declared_fields_only_and_no_constructor_runs(tuples: TupleRegistry) -> None:
    tuple_type("t.Airport", fields=["id", "name"], registry=tuples)(Airport)
    built = rebuilt(tuples, "t.Airport", name="evil", kind="heliport", metadata="x", country="y")
    state = inspect(built)
    assert state.transient
    assert {name for name in state.dict if not name.startswith("_")} == {"name"}
    assert state.attrs.name.history.added == ["evil"]
    assert present_fields(built, registry=tuples) == {"name"}


def test_a_built_instance_can_be_stored_and_merged(airports: TupleRegistry, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.add(rebuilt(airports, "t.Airport", name="New", kind="airport"))
        session.merge(rebuilt(airports, "t.Airport", id=1, notes="short"))
    with Session(engine) as session:
        stored = session.execute(
            select(Airport.id, Airport.name, Airport.notes).order_by(Airport.id)
        ).all()
    assert [tuple(row) for row in stored] == [
        (1, "Nowhere", "short"),
        (2, "Roof", None),
        (3, "New", None),
    ]


def test_what_a_validator_refuses_is_the_peers_mistake(airports: TupleRegistry) -> None:
    with pytest.raises(MalformedMessage) as refused:
        Codec(airports).decode_value(
            [{"_ct": "rt", "_c": "t.Airport", "name": "forbidden"}], Dialect.NATIVE
        )
    assert str(refused.value) == "Airport refuses 'forbidden' - at `$[0].name`"


def test_a_validator_that_fails_is_the_applications_mistake(airports: TupleRegistry) -> None:
    with pytest.raises(KeyError, match="secret defect"):
        Codec(airports).decode_value(
            [{"_ct": "rt", "_c": "t.Airport", "name": "broken"}], Dialect.NATIVE
        )


def test_a_value_of_a_wrong_type_is_refused(airports: TupleRegistry) -> None:
    with pytest.raises(MalformedMessage, match=r"Expected `str`, got 5 - at `\$.name`"):
        rebuilt(airports, "t.Airport", name=5)


def test_sqlalchemy_is_not_imported_before_it_is_used() -> None:
    program = (
        "import sys; from django_vortex.orm.sqlalchemy import tuples;"
        "from django_vortex.tuples import registry; tuples.install(registry);"
        "assert 'sqlalchemy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[4], check=True)


def test_what_listens_to_an_attribute_is_no_validator(airports: TupleRegistry) -> None:
    def fail(instance: Any, value: Any, *others: Any) -> None:
        raise ValueError("a secret of ours")

    event.listen(Airport.notes, "set", fail)
    try:
        with pytest.raises(ValueError, match="a secret of ours"):
            Codec(airports).decode_value(
                [{"_ct": "rt", "_c": "t.Airport", "notes": "short"}], Dialect.NATIVE
            )
    finally:
        event.remove(Airport.notes, "set", fail)


def test_primary_key_tells_rows_apart(tuples: TupleRegistry) -> None:
    def names(cls: Any) -> list[str]:
        return list(tuples.adapters.require(cls).get_key_names(cls))

    assert names(Country) == ["id"]
    assert names(Heliport) == ["id"]
