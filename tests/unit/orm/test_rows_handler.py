"""All rows of a table, of either ORM."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, joinedload, sessionmaker
from sqlalchemy.pool import StaticPool

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.rows_handler import RowsHandler
from django_vortex.routing.request import Request
from django_vortex.tuples import TupleRegistry, tuple_type
from tests.support.routing import Bench
from tests.support.told import text_of
from tests.unit.orm import tables
from tests.unit.orm.models import Author

FILT = {"key": "rows"}


class Sessions:
    """A session factory that knows which of its sessions are still open."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.made = 0
        self.open = 0

    def __call__(self) -> Session:
        session: Session = self.make()
        close = session.close

        def close_once() -> None:
            self.open -= 1
            close()

        session.close = close_once  # type: ignore[method-assign]
        self.made += 1
        self.open += 1
        return session


@pytest.fixture
def sessions(tuples: TupleRegistry) -> Iterator[Sessions]:
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    tables.Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(tables.Country(id=1, name="Utopia"))
        session.add(tables.Airport(id=1, name="Nowhere", country_id=1))
        session.add(tables.Airport(id=2, name="Elsewhere", country_id=1))
    tuple_type("t.Airport", fields=["id", "name"], registry=tuples)(tables.Airport)
    tuple_type("t.Country", fields="__all__", registry=tuples)(tables.Country)
    yield Sessions(sessionmaker(engine))
    engine.dispose()


@pytest.fixture
def authors(tuples: TupleRegistry, db: None) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    Author.objects.bulk_create([Author(name="Ann"), Author(name="Bob")])


async def names(bench: Bench, **more: Any) -> list[str]:
    return [row.name for row in bench.tuples_of(await bench.ask_one({**FILT, **more}))]


def ask(bench: Bench, **more: Any) -> list[str]:
    """Ask without a loop in this thread, on which Django refuses to work."""
    replies = []
    coroutine = bench.ask({**FILT, "PayloadResponse.messageId": "m", **more})
    try:
        coroutine.send(None)
    except StopIteration as done:
        replies = done.value
    [reply] = replies
    assert reply.result is None
    return [row.name for row in bench.tuples_of(reply)]


def test_all_rows_of_a_django_model_are_sent(bench: Bench, authors: None) -> None:
    handler = RowsHandler(FILT, Author, payload_io=bench.payload_io)
    assert sorted(ask(bench)) == ["Ann", "Bob"]
    Author.objects.all().delete()
    assert ask(bench) == []
    del handler


def test_the_rows_of_a_queryset_are_read_anew_each_time(bench: Bench, authors: None) -> None:
    queryset = Author.objects.filter(name="Ann")
    handler = RowsHandler(FILT, Author, queryset=queryset, payload_io=bench.payload_io)
    assert ask(bench) == ["Ann"]
    Author.objects.create(name="Ann")
    assert ask(bench) == ["Ann", "Ann"]
    del handler


def test_a_subclass_chooses_rows_by_request(bench: Bench, authors: None) -> None:
    class Named(RowsHandler):
        def get_queryset(self, request: Request) -> Any:
            return Author.objects.filter(name=request.filt["name"])

    handler = Named(FILT, Author, payload_io=bench.payload_io)
    assert ask(bench, name="Bob") == ["Bob"]
    del handler


async def test_all_rows_of_a_table_are_sent_and_the_session_is_closed(
    bench: Bench, sessions: Sessions
) -> None:
    handler = RowsHandler(
        FILT, tables.Airport, session_factory=sessions, payload_io=bench.payload_io
    )
    assert sorted(await names(bench)) == ["Elsewhere", "Nowhere"]
    assert await names(bench) != []
    assert (sessions.made, sessions.open) == (2, 0)
    del handler


async def test_the_rows_of_a_select_are_sent(bench: Bench, sessions: Sessions) -> None:
    handler = RowsHandler(
        FILT,
        tables.Airport,
        session_factory=sessions,
        queryset=select(tables.Airport).where(tables.Airport.id == 2),
        payload_io=bench.payload_io,
    )
    assert await names(bench) == ["Elsewhere"]
    del handler


async def test_a_joined_collection_doubles_no_row(bench: Bench, sessions: Sessions) -> None:
    joined = select(tables.Country).options(joinedload(tables.Country.airports))
    handler = RowsHandler(
        FILT,
        tables.Country,
        session_factory=sessions,
        queryset=joined,
        payload_io=bench.payload_io,
    )
    assert await names(bench) == ["Utopia"]
    del handler


async def test_a_session_is_closed_after_a_failure(bench: Bench, sessions: Sessions) -> None:
    handler = RowsHandler(
        FILT,
        tables.Airport,
        session_factory=sessions,
        queryset="no statement",
        payload_io=bench.payload_io,
    )
    reply = await bench.ask_one(FILT)
    assert text_of(reply.result) == "The server could not answer (ref abc123)"
    assert (sessions.made, sessions.open) == (1, 0)
    del handler


def test_an_update_of_a_django_table_waits_for_the_commit(
    bench: Bench, authors: None, django_capture_on_commit_callbacks: Any
) -> None:
    handler = RowsHandler(FILT, Author, payload_io=bench.payload_io)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        handler.send_model_update()
        Author.objects.create(name="Eve")
        assert bench.pushes.made == []
    [(envelope, _, _)] = bench.pushes.made
    assert {row.name for row in bench.tuples_of(envelope)} == {"Ann", "Bob", "Eve"}


def test_an_update_of_a_table_is_pushed(bench: Bench, sessions: Sessions) -> None:
    handler = RowsHandler(
        FILT, tables.Airport, session_factory=sessions, payload_io=bench.payload_io
    )
    assert handler.send_model_update().result(0) == 1
    assert len(bench.pushes.made) == 1
    assert sessions.open == 0


def test_a_table_without_session_factory_is_refused(bench: Bench) -> None:
    with pytest.raises(DefinitionError, match="Airport need a session_factory"):
        RowsHandler(FILT, tables.Airport, payload_io=bench.payload_io)


@pytest.mark.parametrize("model", [dict, None, "board.Ticket"])
def test_what_has_no_rows_is_refused(bench: Bench, model: Any) -> None:
    with pytest.raises(DefinitionError, match="Expected a Django model or a SQLAlchemy class"):
        RowsHandler(FILT, model, payload_io=bench.payload_io)
