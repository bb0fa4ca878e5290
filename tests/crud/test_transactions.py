"""One message is one transaction: all or nothing, one reply, and that after the commit."""

from typing import Any

import pytest
from sqlalchemy import event

from django_vortex.exceptions import HandlerError
from django_vortex.orm.crud.extension import Context, CrudExtension
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.model import CrudModel
from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Record
from tests.crud.boards import TICKET, Board, ticket

ON_POSTGRES = ["django-postgres", "sqlalchemy-postgres", "async-postgres"]
PROJECT = {"key": "board.project"}


def serve_projects(board: Board, **options: Any) -> Any:
    names = {"fields": ["id", "name", "code"], "type_name": "board.Project"}
    return board.handler(board.Project, filt=PROJECT, **{**names, **options})


def project(**fields: Any) -> Record:
    return Record("board.Project", **fields)


class Spy(list[Any]):
    """The unread messages of a peer, with what was in the database as each arrived."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.seen: list[Any] = []

    def append(self, received: Any) -> None:
        self.seen.append(self.board.titles())
        super().append(received)


async def test_nothing_is_stored_when_the_tenth_is_wrong(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler()
    before = board.database.everything()
    tuples = [ticket(title=f"new {n}") for n in range(7)]
    tuples += [ticket(id=1, title="A"), ticket(id=2, title="B"), ticket(title=None)]
    reply = await board.ask(TICKET, tuples)
    assert "title" in reply.error
    assert reply.tuples == []
    assert board.database.everything() == before


async def test_nothing_is_stored_when_the_database_refuses_the_tenth(board: Board) -> None:
    board.database.add("project", name="taken", code="secret")
    serve_projects(board)
    before = board.database.everything()
    tuples = [project(name=f"p{n}") for n in range(9)] + [project(name="taken")]
    reply = await board.ask(PROJECT, tuples)
    assert not reply.is_success
    for leak in ("INSERT", "crud_project", "UNIQUE", "secret"):
        assert leak not in reply.text
    assert board.database.everything() == before


async def test_the_row_that_the_database_refuses_is_the_one_that_is_told(board: Board) -> None:
    for name in ("a", "b", "c", "taken"):
        board.database.add("project", name=name)
    serve_projects(board)
    before = board.database.everything()
    tuples = [project(id=1, name="A"), project(id=2, name="taken"), project(id=3, name="C")]
    reply = await board.ask(PROJECT, tuples)
    assert [error["index"] for error in reply.result["errors"]] == [1]
    assert board.database.everything() == before


async def test_nothing_is_stored_of_other_types_either(board: Board) -> None:
    board.handler(
        board.Ticket,
        CrudModel(model=board.Project, fields=["id", "name"], type_name="board.Project"),
    )
    reply = await board.ask(TICKET, [project(name="p"), ticket(title="forbidden")])
    assert not reply.is_success
    assert board.database.rows("project") == []


async def test_nothing_is_deleted_when_one_of_the_rows_is_needed(board: Board) -> None:
    board.database.add("project", name="free")
    board.database.add("project", name="used")
    board.add_tickets("a", project_id=2)
    serve_projects(board)
    before = board.database.everything()
    reply = await board.ask({**PROJECT, "delete": True}, [project(id=1), project(id=2)])
    assert not reply.is_success
    assert "crud_" not in reply.text
    assert board.database.everything() == before


async def test_a_message_after_a_failure_is_served(board: Board) -> None:
    serve_projects(board)
    async with board.connected() as peer:
        assert (await peer.ask(PROJECT, [project(name="p")])).result is True
        assert not (await peer.ask(PROJECT, [project(name="q"), project(name="p")])).is_success
        assert (await peer.ask(PROJECT, [project(name="q")])).result is True
    assert [row["name"] for row in board.database.rows("project")] == ["p", "q"]


async def test_the_reply_leaves_after_the_commit(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    async with board.connected() as peer:
        peer.peer.unread = spy = Spy(board)
        await peer.ask(TICKET, [ticket(title="b")])
        await peer.ask({**TICKET, "delete": True}, [ticket(id=1)])
    assert spy.seen == [["a", "b"], ["b"]]


@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
async def test_a_commit_that_fails_is_one_reply(board: Board) -> None:
    constraint = "UNIQUE (points) DEFERRABLE INITIALLY DEFERRED"
    board.database.execute(f"ALTER TABLE crud_ticket ADD CONSTRAINT late {constraint}")
    try:
        board.handler()
        reply = await board.ask(TICKET, [ticket(title="a"), ticket(title="b")])
    finally:
        board.database.execute("ALTER TABLE crud_ticket DROP CONSTRAINT late")
    assert not reply.is_success
    assert "crud_ticket" not in reply.text
    assert board.titles() == []


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D1, Dialect.D2])
async def test_a_failure_of_any_kind_is_one_reply(board: Board, dialect: Dialect) -> None:
    class Crash(CrudExtension):
        def after_create(self, context: Context, row: Any) -> None:
            raise ZeroDivisionError("with a secret")

    board.handler(extensions=[Crash()])
    reply = await board.ask(TICKET, [ticket(title="a")], dialect=dialect)
    assert reply.error.startswith("The server could not answer (ref ")
    assert "secret" not in reply.text
    assert board.titles() == []


async def test_post_process_that_fails_undoes_all_with_one_reply(board: Board) -> None:
    class Picky(OrmCrudHandler):
        def post_process(self, request: Any, payload: Any) -> None:
            raise HandlerError("Not like this")

    board.handler(cls=Picky)
    reply = await board.ask(TICKET, [ticket(title="a")])
    assert (reply.error, reply.tuples) == ("Not like this", [])
    assert board.titles() == []


@pytest.mark.parametrize("place", ["sqlalchemy-sqlite", "sqlalchemy-postgres"], indirect=True)
@pytest.mark.parametrize("title", ["a", None, "forbidden"])
async def test_every_session_is_closed(board: Board, title: Any) -> None:
    made = board.options["session_factory"]
    closed: list[Any] = []

    class Watched(made.class_):  # type: ignore[misc, name-defined]
        def close(self) -> None:
            closed.append(self)
            super().close()

    opened: list[Any] = []

    def open_session() -> Any:
        opened.append(Watched(**made.kw))
        return opened[-1]

    board.handler(session_factory=open_session)
    await board.ask(TICKET, [ticket(title=title)])
    await board.ask({**TICKET, "id": 1})
    assert len(opened) >= 2
    assert {id(one) for one in opened} == {id(one) for one in closed}


@pytest.mark.parametrize("place", ["sqlalchemy-sqlite", "async-sqlite"], indirect=True)
async def test_a_session_that_cannot_connect_is_one_reply(board: Board) -> None:
    factory = board.options["session_factory"]
    engine = factory.kw["bind"]

    def refuse(*arguments: Any) -> None:
        raise OSError("the password is secret")

    board.handler()
    listening = getattr(engine, "sync_engine", engine), "do_connect", refuse
    event.listen(*listening)
    try:
        reply = await board.ask({**TICKET, "id": 1})
    finally:
        event.remove(*listening)
    assert reply.error.startswith("The server could not answer (ref ")
    assert "secret" not in reply.text
