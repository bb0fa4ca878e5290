"""What queries return of tables: querysets, and statements of SQLAlchemy."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, joinedload, sessionmaker

from django_vortex.handlers.query import query
from django_vortex.orm.crud.stores import read_statement
from django_vortex.routing.request import Request
from django_vortex.tuples import TupleRegistry, tuple_type
from tests.support.routing import Bench
from tests.unit.orm import tables
from tests.unit.orm.models import Author
from tests.unit.orm.tables import Airport, Country


@pytest.fixture(autouse=True)
def bound(bench: Bench, tuples: TupleRegistry) -> None:
    bench.payload_io.bind(read_statement=read_statement)
    tuple_type("t.Airport", fields=["id", "name"], registry=tuples)(Airport)
    tuple_type("t.Country", fields=["id", "name"], registry=tuples)(Country)
    tuple_type("t.Author", fields=["name"], registry=tuples)(Author)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'db'}")
    tables.Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(Country(id=1, name="Utopia"))
        session.add(Airport(id=1, name="Nowhere", country_id=1))
        session.add(Airport(id=2, name="Elsewhere", country_id=1))
    yield engine
    engine.dispose()


@pytest.fixture
async def async_engine(engine: Engine, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    async_engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'db'}")
    yield async_engine
    await async_engine.dispose()


async def answers(bench: Bench, **members: Any) -> list[Any]:
    reply = await bench.ask_one({"key": "q", **members})
    assert reply.result is None, reply.result
    return bench.tuples_of(reply)


STATEMENTS = {
    "entities": (select(Airport).order_by(Airport.id), ["Nowhere", "Elsewhere"]),
    "joined": (select(Country).options(joinedload(Country.airports)), ["Utopia"]),
    "values": (select(Airport.name).order_by(Airport.name), ["Elsewhere", "Nowhere"]),
    "equal values": (select(Airport.country_id), [1, 1]),
    "one": (select(func.count()).select_from(Airport), [2]),
    "columns": (
        select(Airport.id, Airport.name.label("n")).order_by(Airport.id),
        [{"id": 1, "n": "Nowhere"}, {"id": 2, "n": "Elsewhere"}],
    ),
    "union": (select(Airport.id).union(select(Country.id)).order_by("id"), [1, 2]),
}


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("is_coroutine", [False, True])
@pytest.mark.parametrize("has_async_sessions", [False, True])
async def test_a_statement_is_read_in_a_session_of_its_own(
    bench: Bench,
    engine: Engine,
    async_engine: AsyncEngine,
    name: str,
    is_coroutine: bool,
    has_async_sessions: bool,
) -> None:
    statement, expected = STATEMENTS[name]
    make = async_sessionmaker(async_engine) if has_async_sessions else sessionmaker(engine)
    decorate = query("q", session_factory=make, payload_io=bench.payload_io)

    def answer(request: Request) -> Any:
        return statement

    async def answer_on_loop(request: Request) -> Any:
        return statement

    kept = decorate(answer_on_loop) if is_coroutine else decorate(answer)
    found = [getattr(one, "name", one) for one in await answers(bench)]
    assert found == expected
    pool: Any = engine.pool
    assert pool.checkedout() == 0
    del kept


@pytest.mark.parametrize("is_coroutine", [False, True])
@pytest.mark.django_db
def test_a_queryset_is_read_where_it_may_block(bench: Bench, is_coroutine: bool) -> None:
    Author.objects.bulk_create([Author(name="Ann"), Author(name="Bob")])
    decorate = query("q", payload_io=bench.payload_io)

    def answer(request: Request, *, name: str = "") -> Any:
        return Author.objects.filter(name__contains=name).order_by("name")

    async def answer_on_loop(request: Request, *, name: str = "") -> Any:
        return Author.objects.filter(name__contains=name).order_by("name")

    kept = decorate(answer_on_loop) if is_coroutine else decorate(answer)
    request = bench.request({"key": "q", "name": "n", "PayloadResponse.messageId": "m"})
    with pytest.raises(StopIteration) as done:
        bench.payload_io.process(request).send(None)  # no loop, on which Django refuses to work
    [reply] = done.value.value
    assert [author.name for author in bench.tuples_of(reply)] == ["Ann"]
    del kept
