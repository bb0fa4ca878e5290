"""Two handlers in one project, each with a database of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import sessionmaker

from tests.crud.asking import Record
from tests.crud.boards import TICKET, Board, Place, ticket
from tests.crud.databases import Database
from tests.crud.fixtures import FindDatabase
from tests.crud.test_rows_handlers import serve as serve_rows

OTHER = {"key": "board.other"}


@pytest.fixture
def other(place: Place, find_database: FindDatabase) -> Iterator[Database]:
    """Another empty database of the same kind."""
    kind = "postgres" if place.database.is_postgres else "sqlite"
    database = find_database(kind, f"{'django' if place.store == 'django' else 'sqlalchemy'}_other")
    database.clear()
    with database.in_django():
        yield database


def reach(board: Board, other: Database) -> dict[str, Any]:
    """Return the options of a handler over the other database."""
    if board.is_django:
        return {"using": other.alias}
    if isinstance(board.options["session_factory"], async_sessionmaker):
        return {"session_factory": async_sessionmaker(other.async_engine)}
    return {"session_factory": sessionmaker(other.engine)}


async def test_each_handler_keeps_to_its_database(board: Board, other: Database) -> None:
    board.handler(retrieve_all=True)
    board.handler(filt=OTHER, retrieve_all=True, **reach(board, other))
    async with board.connected() as peer:
        await peer.ask(TICKET, [ticket(title="here"), ticket(title="here too")])
        await peer.ask(OTHER, [ticket(title="there")])
        await peer.ask(OTHER, [ticket(id=1, points=9)])
        here, there = await peer.ask(TICKET), await peer.ask(OTHER)
    assert [row["title"] for row in here.tuples] == ["here", "here too"]
    assert [(row["title"], row["points"]) for row in there.tuples] == [("there", 9)]
    assert board.titles() == ["here", "here too"]
    assert [row["title"] for row in other.rows()] == ["there"]


async def test_a_failure_in_one_is_none_in_the_other(board: Board, other: Database) -> None:
    board.handler()
    board.handler(filt=OTHER, **reach(board, other))
    async with board.connected() as peer:
        assert not (await peer.ask(OTHER, [ticket(title="a"), ticket(title=None)])).is_success
        assert (await peer.ask(TICKET, [ticket(title="b")])).result is True
    assert (board.titles(), other.rows()) == (["b"], [])


async def test_validation_looks_into_the_right_database(board: Board, other: Database) -> None:
    names = {"fields": ["id", "name"], "type_name": "board.Project"}
    board.database.add("project", name="taken")
    board.handler(board.Project, filt=TICKET, **names)
    board.handler(board.Project, filt=OTHER, **names, **reach(board, other))
    taken = [Record("board.Project", name="taken")]
    assert not (await board.ask(TICKET, taken)).is_success
    assert (await board.ask(OTHER, taken)).result is True


async def test_rows_are_read_from_the_database_of_the_queryset(
    board: Board, other: Database
) -> None:
    other.add("ticket", title="there")
    if board.is_django:
        serve_rows(board, queryset=board.Ticket.objects.using(other.alias))
    else:
        serve_rows(board, queryset=select(board.Ticket), **reach(board, other))
    assert [row["title"] for row in (await board.ask()).tuples] == ["there"]
