"""Each model of a handler may have a permission of its own."""

from typing import Any

import pytest

from django_vortex.orm.crud.model import CrudModel
from django_vortex.routing.permissions import (
    Action,
    AllowAny,
    IsAuthenticated,
    IsStaff,
    Permission,
)
from django_vortex.routing.request import Request
from tests.crud.asking import Record, Reply
from tests.crud.boards import ANN, BOB, STAFF, TICKET, Board, User, ticket
from tests.support.told import text_of

DELETE = {**TICKET, "delete": True}


class Own(Permission):
    """Rows of the user who asks; projects have no such field."""

    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class Named(Permission):
    """Projects with the name of the user, told by the row."""

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.name == str(request.user.pk))


def project(**fields: Any) -> Record:
    return Record("board.Project", **fields)


def serve(board: Board, permission: Any) -> None:
    """Serve tickets to their owners, and projects to whom the permission lets through."""
    board.database.add("project", name=str(ANN.pk))
    board.database.add("project", name=str(BOB.pk))
    board.add_tickets("anns", owner_id=ANN.pk)
    board.add_tickets("bobs", owner_id=BOB.pk)
    projects = CrudModel(
        board.Project,
        fields=["id", "name", "code"],
        type_name="board.Project",
        permission=permission,
    )
    board.handler(board.Ticket, projects, permission=IsAuthenticated & Own)


async def ask(board: Board, tuples: list[Any], user: User = ANN, **filt: Any) -> Reply:
    reply: Reply = await board.ask({**TICKET, **filt}, tuples, user=user)
    return reply


@pytest.mark.parametrize("tuples", [[project(name="n")], [ticket(title="x"), project(name="n")]])
async def test_creating_asks_the_permission_of_each_model(board: Board, tuples: list[Any]) -> None:
    serve(board, IsStaff)
    before = board.database.everything()
    assert (await ask(board, tuples)).error == "You may not create here"
    assert board.database.everything() == before


@pytest.mark.parametrize("filt", [{}, {"delete": True}])
async def test_changing_asks_the_permission_of_each_model(
    board: Board, filt: dict[str, Any]
) -> None:
    serve(board, IsStaff)
    before = board.database.everything()
    reply = await ask(board, [project(id=1, code="c")], **filt)
    assert not reply.is_success
    assert reply.error.startswith("You may not")
    assert board.database.everything() == before
    assert (await ask(board, [project(id=1, code="c")], STAFF, **filt)).result is True


async def test_the_scope_is_of_fields_of_the_model_it_is_for(board: Board) -> None:
    class OwnProjects(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"name": str(request.user.pk)}

    serve(board, OwnProjects)
    saved = await ask(board, [ticket(id=1, title="x"), project(id=1, code="c")])
    assert [one["id"] for one in saved.tuples] == [1, 1]
    before = board.database.everything()
    answers = [await ask(board, [project(id=key, code="c")]) for key in (2, 9)]
    assert str(answers[0].result).replace("2", "9") == str(answers[1].result)
    await ask(board, [project(id=2)], delete=True)
    assert board.database.everything() == before


async def test_the_row_is_asked_about_where_its_own_model_says_so(board: Board) -> None:
    serve(board, Named)
    assert (await ask(board, [project(id=1, code="c")])).result is True
    before = board.database.everything()
    assert "There is no row 2" in (await ask(board, [project(id=2, code="c")])).error
    assert "such a row" in (await ask(board, [project(name="other")])).error
    assert (await ask(board, [project(id=2)], delete=True)).result is True
    assert board.database.everything() == before


async def test_a_model_without_one_has_that_of_the_handler(board: Board) -> None:
    board.database.add("project", name="p")
    board.handler(
        board.Ticket,
        CrudModel(board.Project, fields=["id", "name"], type_name="board.Project"),
        permission=IsStaff,
    )
    assert "You may not" in (await ask(board, [project(id=1, name="x")])).error
    assert (await ask(board, [project(id=1, name="x")], STAFF)).result is True


async def test_who_may_write_nothing_is_told_nothing_of_types_and_fields(board: Board) -> None:
    board.handler(permission=IsStaff)
    for filt, what in ((TICKET, "create or update"), (DELETE, "delete")):
        for wrong in (Record("board.Nothing"), ticket(nonsense=1), None):
            reply = await board.ask(filt, [wrong], user=ANN)
            if "Unknown tuple type" not in str(reply.result):
                assert text_of(reply.result) == f"You may not {what} here"


async def test_what_one_model_allows_another_does_not_get(board: Board) -> None:
    """Who may write projects is not let at tickets by that."""
    board.add_tickets("a")
    board.handler(
        board.Ticket,
        CrudModel(
            board.Project, fields=["id", "name"], type_name="board.Project", permission=AllowAny
        ),
        permission=IsStaff,
    )
    before = board.database.everything()
    for filt, row in ((TICKET, ticket(title="x")), (TICKET, ticket(id=1)), (DELETE, ticket(id=1))):
        assert "You may not" in (await board.ask(filt, [row], user=ANN)).error
    assert board.database.everything() == before
