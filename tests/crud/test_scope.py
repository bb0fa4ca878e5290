"""A row outside the scope answers exactly as a row that does not exist.

Ann has the tickets 1 and 3, Bob has 2; there is none with the id 99.
"""

from collections.abc import Callable
from typing import Any

import pytest

from django_vortex.routing.permissions import AllowAny, IsStaff, Permission
from django_vortex.routing.request import Request
from tests.crud.asking import Reply
from tests.crud.boards import ANN, BOB, STAFF, TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

Serve = Callable[..., Any]

BOBS, MISSING = 2, 99


class Own(Permission):
    """Rows of the user who asks."""

    def scope(self, request: Request, action: Any) -> Any:
        return {"owner_id": request.user.pk}


class OwnLater(Permission):
    """The same, by a coroutine."""

    async def scope(self, request: Request, action: Any) -> Any:
        return {"owner_id": request.user.pk}


WAYS = {
    "get_queryset": lambda board: {"get_queryset": lambda request: board.owned(request.user.pk)},
    "permission": lambda board: {"permission": Own},
    "coroutine": lambda board: {"permission": OwnLater},
    "both": lambda board: {
        "permission": AllowAny & Own,
        "get_queryset": lambda request: board.owned(request.user.pk),
    },
}


@pytest.fixture(params=WAYS)
def serve(board: Board, request: pytest.FixtureRequest) -> Serve:
    """Serve the tickets of three rows to their owners."""
    for title, owner in (("anns", ANN), ("bobs", BOB), ("anns too", ANN)):
        board.add_tickets(title, owner_id=owner.pk, secret="hidden")

    def serve(**options: Any) -> Any:
        return board.handler(**{**WAYS[request.param](board), **options})

    return serve


def without(reply: Reply, key: int) -> Any:
    """Return all that a peer can see of a reply, except for the id it asked for itself."""
    assert "bobs" not in reply.text
    assert "hidden" not in reply.text
    filt = {name: value for name, value in reply.filt.items() if name != "id"}
    return filt, str(reply.result).replace(str(key), "?"), reply.tuples


async def test_all_rows_are_those_of_the_scope(board: Board, serve: Serve) -> None:
    serve(retrieve_all=True)
    reply = await board.ask(user=ANN)
    assert [row["title"] for row in reply.tuples] == ["anns", "anns too"]
    assert [row["title"] for row in (await board.ask(user=BOB)).tuples] == ["bobs"]


@pytest.mark.parametrize("retrieve_all", [False, True])
async def test_reading(board: Board, serve: Serve, retrieve_all: bool) -> None:
    serve(retrieve_all=retrieve_all)
    answers = [
        without(await board.ask({**TICKET, "id": key}, user=ANN), key) for key in (BOBS, MISSING)
    ]
    assert answers[0] == answers[1]
    assert [r["title"] for r in (await board.ask({**TICKET, "id": 1}, user=ANN)).tuples] == ["anns"]


async def test_changing(board: Board, serve: Serve) -> None:
    serve()
    before = board.database.everything()
    answers = [
        without(await board.ask(TICKET, [ticket(id=key, title="x")], user=ANN), key)
        for key in (BOBS, MISSING)
    ]
    assert answers[0] == answers[1]
    assert answers[0][1] not in ("True", "None")
    assert board.database.everything() == before


async def test_changing_with_something_wrong(board: Board, serve: Serve) -> None:
    serve()
    answers = [
        without(await board.ask(TICKET, [ticket(id=key, title="x" * 99)], user=ANN), key)
        for key in (BOBS, MISSING)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("retrieve_all", [False, True])
async def test_deleting_by_tuple(board: Board, serve: Serve, retrieve_all: bool) -> None:
    serve(retrieve_all=retrieve_all)
    before = board.database.everything()
    answers = [
        without(await board.ask({**TICKET, "delete": True}, [ticket(id=key)], user=ANN), key)
        for key in (BOBS, MISSING)
    ]
    assert answers[0] == answers[1]
    assert board.database.everything() == before


async def test_deleting_by_id(board: Board, serve: Serve) -> None:
    serve()
    before = board.database.everything()
    answers = [
        without(await board.ask({**TICKET, "delete": True, "id": key}, user=ANN), key)
        for key in (BOBS, MISSING)
    ]
    assert answers[0] == answers[1]
    assert board.database.everything() == before


async def test_deleting_with_a_stale_version(board: Board, serve: Serve) -> None:
    serve(fields=["id", "title", "version"], version_field="version")
    before = board.database.everything()
    answers = [
        without(
            await board.ask({**TICKET, "delete": True}, [ticket(id=key, version=9)], user=ANN), key
        )
        for key in (BOBS, MISSING)
    ]
    assert answers[0] == answers[1]
    assert board.database.everything() == before


async def test_a_stale_save_does_not_show_the_current_row(board: Board, serve: Serve) -> None:
    serve(fields=["id", "title", "version"], version_field="version")
    answers = [
        without(await board.ask(TICKET, [ticket(id=key, title="x", version=9)], user=ANN), key)
        for key in (BOBS, MISSING)
    ]
    assert answers[0] == answers[1]
    assert answers[0][2] == []


async def test_a_new_row_under_the_id_of_somebody_else_shows_nothing_of_it(
    board: Board, serve: Serve
) -> None:
    serve(client_keys=True)
    before = board.database.everything()
    reply = await board.ask(TICKET, [ticket(id=BOBS, title="x")], user=ANN)
    assert not reply.is_success
    without(reply, BOBS)
    assert board.database.everything() == before


async def test_own_rows_are_changed_and_deleted(board: Board, serve: Serve) -> None:
    serve()
    assert (await board.ask(TICKET, [ticket(id=1, title="x")], user=ANN)).result is True
    assert (await board.ask({**TICKET, "delete": True}, [ticket(id=3)], user=ANN)).result is True
    assert board.titles() == ["x", "bobs"]


async def test_filters_find_no_row_of_others(board: Board, serve: Serve) -> None:
    serve(retrieve_all=True, filters=["title__startswith"])
    filt = {**TICKET, "where": {"title__startswith": "b"}}
    assert (await board.ask(filt, user=ANN)).tuples == []
    assert [row["title"] for row in (await board.ask(filt, user=BOB)).tuples] == ["bobs"]


async def test_scopes_of_permissions_are_joined(board: Board) -> None:
    board.add_tickets("anns", owner_id=ANN.pk)
    board.add_tickets("bobs", owner_id=BOB.pk)
    board.handler(permission=IsStaff | Own, retrieve_all=True)
    assert [row["title"] for row in (await board.ask(user=ANN)).tuples] == ["anns"]
    assert [row["title"] for row in (await board.ask(user=STAFF)).tuples] == ["anns", "bobs"]
    assert (await board.ask({**TICKET, "id": 2}, user=ANN)).tuples == []
    assert len((await board.ask({**TICKET, "id": 2}, user=STAFF)).tuples) == 1


async def test_the_opposite_of_a_scope_are_all_other_rows(board: Board) -> None:
    board.add_tickets("anns", owner_id=ANN.pk)
    board.add_tickets("bobs", owner_id=BOB.pk)
    board.add_tickets("nobodys")
    board.handler(permission=~Own(), retrieve_all=True)
    titles = [row["title"] for row in (await board.ask(user=ANN)).tuples]
    assert titles == ["bobs", "nobodys"]
