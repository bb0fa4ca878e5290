"""Rows inside of others: only those that the peer may see travel.

Ann has the project 1 with her ticket 1 and Bob's ticket 2, Bob has the project 2 with Ann's
ticket 3. Who has a project is in its code.
"""

from typing import Any

import pytest
from sqlalchemy import select

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from django_vortex.orm.crud.nested import CrudNested
from django_vortex.routing.permissions import Action, AllowAny, IsStaff, Permission
from django_vortex.routing.request import Request
from tests.crud.asking import Reply
from tests.crud.boards import ANN, BOB, STAFF, TICKET, Board, User, ticket

PROJECT = {"key": "board.project"}


class OwnTickets(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        assert action is Action.RETRIEVE
        return {"owner_id": request.user.pk}


class OwnProjects(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"code": str(request.user.pk)}


class OwnProjectsLater(Permission):
    async def scope(self, request: Request, action: Action) -> Any:
        return {"code": str(request.user.pk)}


class OwnProjectRows(Permission):
    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.code == str(request.user.pk))


class OwnProjectRowsLater(Permission):
    async def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.code == str(request.user.pk))


class OwnTicketRows(Permission):
    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.owner_id == request.user.pk)


def project_access(board: Board) -> dict[str, dict[str, Any]]:
    """Return the ways to say that projects are for their owners only."""

    def get_queryset(request: Request) -> Any:
        if board.is_django:
            return board.Project._base_manager.filter(code=str(request.user.pk))
        return select(board.Project).where(board.Project.code == str(request.user.pk))

    return {
        "scope": {"permission": OwnProjects},
        "coroutine": {"permission": OwnProjectsLater},
        "rows": {"permission": OwnProjectRows},
        "rows by coroutine": {"permission": OwnProjectRowsLater},
        "get_queryset": {"get_queryset": get_queryset},
        "both": {"permission": AllowAny & OwnProjectRows, "get_queryset": get_queryset},
    }


def fill(board: Board) -> None:
    board.database.add("project", name="anns project", code=str(ANN.pk))
    board.database.add("project", name="bobs project", code=str(BOB.pk))
    board.add_tickets("one", owner_id=ANN.pk, project_id=1)
    board.add_tickets("two", owner_id=BOB.pk, project_id=1)
    board.add_tickets("three", owner_id=ANN.pk, project_id=2)
    board.add_tickets("four", owner_id=ANN.pk)


def serve_tickets(board: Board, **options: Any) -> None:
    fill(board)
    board.handler(
        fields=["title", "project_id", "points"],
        nested={"project": CrudNested(["name"], type_name="board.Inner", **options)},
        retrieve_all=True,
    )


def serve_projects(board: Board, nested: Any, **options: Any) -> None:
    fill(board)
    board.handler(
        board.Project,
        filt=PROJECT,
        fields=["name"],
        type_name="board.Project",
        nested={"tickets": nested},
        retrieve_all=True,
        **options,
    )


def names(reply: Reply) -> list[Any]:
    """Return the names of the projects inside."""
    return [row["project"] and row["project"]["name"] for row in reply.tuples]


def titles(reply: Reply) -> list[list[str]]:
    """Return the titles of the tickets inside."""
    return [sorted(one["title"] for one in row["tickets"]) for row in reply.tuples]


ways = pytest.mark.parametrize("way", list(project_access(None)))  # type: ignore[arg-type]


@ways
async def test_a_related_row_that_the_peer_may_not_see_is_none(board: Board, way: str) -> None:
    serve_tickets(board, **project_access(board)[way])
    reply = await board.ask(user=ANN)
    assert names(reply) == ["anns project", "anns project", None, None]
    assert [row["project_id"] for row in reply.tuples] == [1, 1, 2, None]
    assert "bobs project" not in reply.text
    assert names(await board.ask({**TICKET, "id": 3}, user=ANN)) == [None]
    assert names(await board.ask({**TICKET, "id": 3}, user=BOB)) == ["bobs project"]


@ways
async def test_what_is_saved_comes_back_without_it(board: Board, way: str) -> None:
    serve_tickets(board, **project_access(board)[way])
    changes = [ticket(id=3, points=8), ticket(id=1, points=9)]
    reply = await board.ask(TICKET, changes, user=ANN)
    assert reply.result is True
    assert names(reply) == [None, "anns project"]
    again = await board.ask(TICKET, reply.tuples, user=ANN)
    assert again.result is True, "what came may go back"
    assert [row["project_id"] for row in board.database.rows()] == [1, 1, 2, None]


@pytest.mark.parametrize("permission", [OwnTickets, OwnTicketRows, AllowAny & OwnTickets])
async def test_related_rows_that_the_peer_may_not_see_are_left_out(
    board: Board, permission: Any
) -> None:
    serve_projects(board, CrudNested(["title"], permission, type_name="board.Inner"))
    assert titles(await board.ask(PROJECT, user=ANN)) == [["one"], ["three"]]
    assert titles(await board.ask(PROJECT, user=BOB)) == [["two"], []]
    assert titles(await board.ask({**PROJECT, "id": 1}, user=BOB)) == [["two"]]


async def test_who_may_not_retrieve_them_gets_none_at_all(board: Board) -> None:
    serve_projects(board, CrudNested(["title"], IsStaff, type_name="board.Inner"))
    assert titles(await board.ask(PROJECT, user=ANN)) == [[], []]
    assert titles(await board.ask(PROJECT, user=STAFF)) == [["one", "two"], ["three"]]


async def test_names_alone_are_for_everybody_who_sees_the_row(board: Board) -> None:
    serve_projects(board, ["title"])
    assert titles(await board.ask(PROJECT)) == [["one", "two"], ["three"]]


async def test_related_rows_have_related_rows(board: Board) -> None:
    """Each of them in its own scope: hers, inside of projects of hers, inside of tickets."""
    fill(board)
    tickets = CrudNested(["title"], OwnTickets, type_name="board.InnerTicket")
    projects = CrudNested(
        ["name"], OwnProjects, nested={"tickets": tickets}, type_name="board.Inner"
    )
    board.handler(fields=["title"], nested={"project": projects}, retrieve_all=True)
    reply = await board.ask(user=ANN)
    found = [
        row["project"] and [one["title"] for one in row["project"]["tickets"]]
        for row in reply.tuples
    ]
    assert found == [["one"], ["one"], None, None]


async def test_a_row_inside_of_one_that_everybody_sees_has_its_scope(board: Board) -> None:
    fill(board)
    tickets = CrudNested(["title"], OwnTicketRows, type_name="board.InnerTicket")
    projects = CrudNested(["name"], nested={"tickets": tickets}, type_name="board.Inner")
    board.handler(fields=["title"], nested={"project": projects}, retrieve_all=True)
    reply = await board.ask(user=BOB)
    found = [
        row["project"] and [one["title"] for one in row["project"]["tickets"]]
        for row in reply.tuples
    ]
    assert found == [["two"], ["two"], [], None]


async def test_hooks_see_the_relation_as_it_is(board: Board) -> None:
    """What a peer may not see is there all the same, and a save does not take it away."""
    seen = []

    class Look(CrudExtension):
        def before_update(self, context: Context, change: Change) -> None:
            seen.append(change.row.project.name)

    fill(board)
    board.handler(
        fields=["title", "points"],
        nested={"project": CrudNested(["name"], OwnProjects, type_name="board.Inner")},
        extensions=[Look],
    )
    reply = await board.ask(TICKET, [ticket(id=3, points=8)], user=ANN)
    assert (reply.result, names(reply), seen) == (True, [None], ["bobs project"])
    assert board.database.rows()[2]["project_id"] == 2


async def test_deleting_goes_by_all_related_rows(board: Board) -> None:
    """Also by those that the peer may not see: the database keeps what others need."""
    serve_projects(board, CrudNested(["title"], OwnTickets, type_name="board.Inner"))
    board.database.execute("DELETE FROM crud_ticket WHERE id IN (1, 3)")
    before = board.database.everything()
    reply = await board.ask({**PROJECT, "delete": True, "id": 1}, user=ANN)
    assert not reply.is_success
    assert board.database.everything() == before
    assert (await board.ask({**PROJECT, "delete": True, "id": 2}, user=ANN)).result is True


async def test_a_push_to_whom_has_the_row_has_what_that_peer_may_see(board: Board) -> None:
    fill(board)
    board.handler(
        fields=["title", "points"],
        nested={"project": CrudNested(["name"], OwnProjects, type_name="board.Inner")},
        push_on_commit=True,
    )
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask({**TICKET, "id": 3})
        async with board.connected(User(1)) as other:
            await other.ask(TICKET, [ticket(id=3, points=8)])
        for peer, name in ((ann, None), (bob, "bobs project")):
            received = await peer.peer.receive({**TICKET, "id": 3})
            [row] = received.tuples
            assert (row.points, row.project and row.project.name) == (8, name)


async def test_each_relation_takes_one_statement(board: Board) -> None:
    fill(board)
    for number in range(50):
        board.add_tickets(f"n{number}", owner_id=ANN.pk, project_id=1 + number % 2)
    tickets = CrudNested(["title"], OwnTicketRows, type_name="board.InnerTicket")
    projects = CrudNested(
        ["name"], OwnProjects, nested={"tickets": tickets}, type_name="board.Inner"
    )
    board.handler(fields=["title"], nested={"project": projects}, retrieve_all=True)
    with board.noted() as statements:
        assert len((await board.ask(user=ANN)).tuples) == 54
    assert len([one for one in statements if one.startswith("SELECT")]) == 3


async def test_what_a_relation_cannot_have_is_told_when_the_handler_is_made(board: Board) -> None:
    for nested, words in [
        (CrudNested(["nam"]), "Did you mean 'name'"),
        (CrudNested(), "Name the fields"),
        (CrudNested(["name"], permission=5), "Expected a Permission"),
        (CrudNested(["name"], nested={"tickts": ["title"]}), "Did you mean 'tickets'"),
    ]:
        with pytest.raises(DefinitionError, match=words):
            board.handler(nested={"project": nested})
