"""A foreign key names only rows that the peer may see, where the handler knows which those are.

Ann has the project 1, Bob has the project 2; there is none with the id 99. Who has one is in its
code.
"""

from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.model import CrudModel
from django_vortex.orm.crud.nested import CrudNested
from django_vortex.routing.permissions import Action, AllowAny, IsStaff, Permission
from django_vortex.routing.request import Request
from tests.crud.boards import ANN, BOB, STAFF, TICKET, Board, ticket

BOBS, MISSING = 2, 99


class OwnProjects(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        assert action is Action.RETRIEVE
        return {"code": str(request.user.pk)}


class OwnProjectRows(Permission):
    async def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.code == str(request.user.pk))


def ways(board: Board, permission: Any) -> dict[str, Any]:
    inner = CrudNested(["name"], permission, type_name="board.Inner")
    served = CrudModel(
        board.Project, fields=["name"], type_name="board.Project", permission=permission
    )
    return {
        "references": ((), {"references": {"project": permission}}),
        "nested": ((), {"nested": {"project": inner}}),
        "other model": ((served,), {}),
    }


@pytest.fixture(params=["references", "nested", "other model"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def serve(board: Board, way: str, permission: Any = OwnProjects) -> None:
    board.database.add("project", name="anns", code=str(ANN.pk))
    board.database.add("project", name="bobs", code=str(BOB.pk))
    board.add_tickets("a", project_id=BOBS)
    models, options = ways(board, permission)[way]
    board.handler(board.Ticket, *models, fields=["title", "project_id"], **options)


@pytest.mark.parametrize("permission", [OwnProjects, OwnProjectRows, AllowAny & OwnProjectRows])
async def test_a_hidden_row_is_refused_as_a_missing_one(
    board: Board, way: str, permission: Any
) -> None:
    serve(board, way, permission)
    before = board.database.everything()
    for make in (
        lambda key: [ticket(title="n", project_id=key)],
        lambda key: [ticket(title="n", project_id=1), ticket(id=1, project_id=key, title="x")],
    ):
        if make(0)[-1].fields.get("id"):
            board.database.execute("UPDATE crud_ticket SET project_id = 1")
            before = board.database.everything()
        answers = [(await board.ask(TICKET, make(key), user=ANN)).result for key in (BOBS, MISSING)]
        assert str(answers[0]).replace(str(BOBS), str(MISSING)) == str(answers[1])
        [error] = answers[0]["errors"]
        assert (error["field"], error["messages"]) == ("project_id", ["There is no row 2"])
        assert board.database.everything() == before


async def test_rows_that_the_peer_sees_may_be_referred_to(board: Board, way: str) -> None:
    serve(board, way)
    saved = await board.ask(
        TICKET, [ticket(id=1, project_id=1), ticket(title="n", project_id=1)], user=ANN
    )
    assert saved.result is True
    assert (await board.ask(TICKET, [ticket(id=1, project_id=None)], user=ANN)).result is True
    assert [row["project_id"] for row in board.database.rows()] == [None, 1]


async def test_what_a_row_refers_to_already_may_stay(board: Board, way: str) -> None:
    serve(board, way)
    sent = [ticket(id=1, project_id=BOBS, title="b")]
    assert (await board.ask(TICKET, sent, user=ANN)).result is True
    assert board.titles() == ["b"]


async def test_who_may_retrieve_none_refers_to_none(board: Board, way: str) -> None:
    serve(board, way, IsStaff)
    before = board.database.everything()
    assert not (await board.ask(TICKET, [ticket(title="n", project_id=1)], user=ANN)).is_success
    assert board.database.everything() == before
    assert (await board.ask(TICKET, [ticket(title="n", project_id=1)], user=STAFF)).is_success


async def test_what_is_said_of_references_counts_first(board: Board) -> None:
    inner = CrudNested(["name"], OwnProjects, type_name="board.Inner")
    serve(board, "references", AllowAny)
    board.handler(
        filt={"key": "other"},
        type_name="other.Ticket",
        fields=["title", "project_id"],
        nested={"project": inner},
        references={"project": AllowAny},
    )
    sent = ticket(title="n", project_id=BOBS)
    sent.type_name = "other.Ticket"
    reply = await board.ask({"key": "other"}, [sent], user=ANN)
    assert (reply.result, reply.tuples[0]["project"]) == (True, None)


async def test_a_thousand_references_take_one_statement(board: Board) -> None:
    serve(board, "references")
    sent = [ticket(title="n", project_id=BOBS if n % 2 else MISSING) for n in range(1000)]
    with board.noted() as statements:
        reply = await board.ask(TICKET, sent, user=ANN)
    assert not reply.is_success
    assert len([one for one in statements if one.startswith("SELECT")]) == 1


async def test_an_application_may_refer_to_any_row(board: Board) -> None:
    """What a hook sets is not the peer's doing."""
    from django_vortex.orm.crud.extension import Change, Context, CrudExtension

    class ToBobs(CrudExtension):
        def before_create(self, context: Context, change: Change) -> None:
            change.values["project_id"] = BOBS

    board.database.add("project", name="anns", code=str(ANN.pk))
    board.database.add("project", name="bobs", code=str(BOB.pk))
    board.handler(
        fields=["title", "project_id"], references={"project": OwnProjects}, extensions=[ToBobs]
    )
    assert (await board.ask(TICKET, [ticket(title="n")], user=ANN)).result is True
    assert [row["project_id"] for row in board.database.rows()] == [BOBS]


async def test_what_cannot_be_a_reference_is_told_when_the_handler_is_made(board: Board) -> None:
    with pytest.raises(DefinitionError, match="Did you mean 'project'"):
        board.handler(references={"projct": AllowAny})
    with pytest.raises(DefinitionError, match="no field that peers could set"):
        board.handler(board.Project, fields=["name"], references={"tickets": AllowAny})
    with pytest.raises(DefinitionError, match="Expected a Permission"):
        board.handler(references={"project": 5})
