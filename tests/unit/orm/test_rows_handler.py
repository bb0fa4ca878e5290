"""All rows of a table, of either ORM."""

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, models, transaction
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session, joinedload, sessionmaker
from sqlalchemy.pool import NullPool, StaticPool

from django_vortex.exceptions import DefinitionError, TryAgain
from django_vortex.orm.crud.rows_handler import RowsHandler
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import IsAuthenticated, IsStaff
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


class Named(Permission):
    """Shows the rows that have the name of the user."""

    def scope(self, request: Request, action: Action) -> Any:
        assert action is Action.RETRIEVE
        return {"name__startswith": request.user.name}


class NamedLater(Permission):
    async def scope(self, request: Request, action: Action) -> Any:
        return {"name__startswith": request.user.name}


class NamedByRow(Permission):
    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.name.startswith(request.user.name))


class NamedByRowLater(Permission):
    async def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.name.startswith(request.user.name))


ANN = SimpleNamespace(name="Ann", is_authenticated=True, is_active=True, is_staff=False)
NOBODY = SimpleNamespace(name="No", is_authenticated=True, is_active=True, is_staff=False)
SUE = SimpleNamespace(name="Sue", is_authenticated=True, is_active=True, is_staff=True)


def ask_as(bench: Bench, user: Any) -> list[str] | str:
    """Ask as a user, without a loop in this thread."""
    request = bench.request(FILT, peer=Peer("u", "n", user=user))
    coroutine = bench.payload_io.process(request)
    try:
        coroutine.send(None)
    except StopIteration as done:
        [reply] = done.value
        if reply.result is not None:
            return text_of(reply.result)
        return sorted(row.name for row in bench.tuples_of(reply))
    raise AssertionError("It waits for something")


@pytest.mark.parametrize("named", [Named, NamedLater, NamedByRow, NamedByRowLater])
def test_a_permission_tells_rows_of_a_model_apart(
    bench: Bench, authors: None, named: type[Permission]
) -> None:
    handler = RowsHandler(
        FILT, Author, permission=IsAuthenticated & (IsStaff | named()), payload_io=bench.payload_io
    )
    assert ask_as(bench, ANN) == ["Ann"]
    assert ask_as(bench, SUE) == ["Ann", "Bob"]
    assert ask_as(bench, NOBODY) == []
    assert ask_as(bench, None) == "You may not ask for this"
    assert repr(handler.endpoint.permission).startswith("IsAuthenticated & (IsStaff | Named")


@pytest.mark.parametrize("named", [Named, NamedLater, NamedByRow, NamedByRowLater])
def test_a_permission_tells_rows_of_a_table_apart(
    bench: Bench, sessions: Sessions, named: type[Permission]
) -> None:
    class Airports(RowsHandler):
        permission = IsStaff | named()

    handler = Airports(FILT, tables.Airport, session_factory=sessions, payload_io=bench.payload_io)
    assert ask_as(bench, SUE) == ["Elsewhere", "Nowhere"]
    assert ask_as(bench, NOBODY) == ["Nowhere"]
    assert ask_as(bench, ANN) == []
    assert sessions.open == 0
    del handler


def test_the_default_may_tell_rows_apart(bench: Bench, authors: None) -> None:
    bench.payload_io.bind(get_permission=lambda *, edits_rows: Named())
    handler = RowsHandler(FILT, Author, payload_io=bench.payload_io)
    assert ask_as(bench, ANN) == ["Ann"]
    del handler


def test_rows_that_cannot_be_narrowed_down_are_told(
    bench: Bench, authors: None, caplog: pytest.LogCaptureFixture
) -> None:
    queryset = Author.objects.order_by("id")[:1]
    handler = RowsHandler(
        FILT, Author, queryset=queryset, permission=Named, payload_io=bench.payload_io
    )
    with caplog.at_level(logging.ERROR):
        assert ask_as(bench, ANN) == "The server could not answer (ref abc123)"
    assert "must not be sliced" in caplog.text
    del handler


def test_a_union_is_narrowed_down(bench: Bench, authors: None) -> None:
    rows = Author.objects.order_by("id")
    handler = RowsHandler(
        FILT, Author, queryset=rows.union(rows), permission=Named, payload_io=bench.payload_io
    )
    assert ask_as(bench, ANN) == ["Ann"]
    del handler


def test_a_scope_names_fields_that_there_are(
    bench: Bench, authors: None, caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"nmae": 1}

    handler = RowsHandler(FILT, Author, permission=Wrong, payload_io=bench.payload_io)
    with caplog.at_level(logging.ERROR):
        assert ask_as(bench, ANN) == "The server could not answer (ref abc123)"
    assert "Scope of vortex_tests.Author: Cannot resolve keyword 'nmae'" in caplog.text
    del handler


async def test_rows_are_sent_as_often_as_the_handler_says(bench: Bench, sessions: Sessions) -> None:
    _handler = RowsHandler(
        FILT,
        tables.Airport,
        session_factory=sessions,
        throttle="1/h",
        payload_io=bench.payload_io,
    )
    assert (await bench.ask_one(FILT)).result is None
    assert (await bench.ask_one(FILT)).result["error"] == "rate"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Engine]:
    """A database that somebody else has locked, for longer than anybody waits."""
    path = tmp_path / "locked.sqlite3"
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0}, poolclass=NullPool)
    tables.Base.metadata.create_all(engine)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    yield engine
    holder.close()


async def test_a_database_that_is_busy_is_told_to_peers_as_such(
    bench: Bench, locked: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    connection = sqlite3.connect(str(locked.url.database), timeout=0)

    class Locked(models.QuerySet[Author]):
        def _fetch_all(self) -> None:
            try:
                connection.execute("SELECT 1 FROM airport")
            except sqlite3.OperationalError as error:
                raise OperationalError from error

    kept = [
        RowsHandler(
            {"key": "django"}, Author, queryset=Locked(Author), payload_io=bench.payload_io
        ),
        RowsHandler(
            {"key": "alchemy"},
            tables.Airport,
            session_factory=sessionmaker(locked),
            payload_io=bench.payload_io,
        ),
    ]
    for key in ("django", "alchemy"):
        reply = await bench.ask_one({"key": key})
        assert reply.result == {"error": "busy", "text": str(TryAgain())}
    assert caplog.text.count("could not ask its database") == 2
    connection.close()
    del kept
