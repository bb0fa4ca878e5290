"""Who may change a row is told no more of it than it may retrieve."""

from typing import Any

import pytest

from django_vortex.orm.crud.extension import Context, CrudExtension
from django_vortex.routing.permission import Action
from django_vortex.routing.permissions import Permission
from django_vortex.routing.request import Request
from tests.crud.asking import Reply
from tests.crud.boards import ANN, BOB, TICKET, Board, ticket

FIELDS = ["id", "title", "points", "version"]


class ReadOwn(Permission):
    """Everybody changes every row and retrieves those of its own."""

    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk} if action is Action.RETRIEVE else None


class WriteOnly(Permission):
    """Rows are dropped in, and nobody looks at them here."""

    def allows(self, request: Request, action: Action) -> bool:
        return action is not Action.RETRIEVE


class ReadNoRow(Permission):
    """Every row may be changed and none retrieved, which shows only at the row."""

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return action is not Action.RETRIEVE


class Masked(CrudExtension):
    """Titles are nobody's business."""

    def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
        values["title"] = "***"


hiding = pytest.mark.parametrize("permission", [ReadOwn, WriteOnly, ReadNoRow])


def check_told_by_key_alone(reply: Reply, *told: Any) -> None:
    assert "bobs" not in reply.text
    assert reply.tuples == list(told)


@hiding
async def test_save_of_a_hidden_row_is_answered_with_its_key(board: Board, permission: Any) -> None:
    board.add_tickets("bobs", owner_id=BOB.pk)
    board.handler(fields=FIELDS, permission=permission)
    reply = await board.ask(TICKET, [ticket(id=1, points=8)], user=ANN)
    assert reply.is_success
    check_told_by_key_alone(reply, ticket(id=1, title=None, points=None, version=None))
    assert board.titles() == ["bobs"]


@hiding
async def test_conflict_over_a_hidden_row_tells_its_key(board: Board, permission: Any) -> None:
    board.add_tickets("bobs", owner_id=BOB.pk, version=7)
    board.handler(fields=FIELDS, version_field="version", permission=permission)
    stale = ticket(id=1, points=8, version=6)
    told = ticket(id=1, title=None, points=None, version=7)
    check_told_by_key_alone(await board.ask(TICKET, [stale], user=ANN), told)
    delete = {**TICKET, "delete": True}
    check_told_by_key_alone(await board.ask(delete, [stale], user=ANN), told)


async def test_saver_of_a_row_of_its_own_is_told_all_of_it(board: Board) -> None:
    board.add_tickets("anns", owner_id=ANN.pk)
    board.handler(fields=FIELDS, permission=ReadOwn)
    [told] = (await board.ask(TICKET, [ticket(id=1, points=8)], user=ANN)).tuples
    assert (told["title"], told["points"]) == ("anns", 8)


async def test_what_is_masked_is_masked_in_the_answers_to_changes(board: Board) -> None:
    board.add_tickets("bobs", version=7)
    board.handler(fields=FIELDS, version_field="version", extensions=[Masked()])
    conflict = await board.ask(TICKET, [ticket(id=1, points=8, version=6)])
    saved = await board.ask(TICKET, [ticket(id=1, points=8, version=7)])
    for reply in (conflict, saved):
        assert "bobs" not in reply.text
        assert [row["title"] for row in reply.tuples] == ["***"]


async def test_each_action_has_the_rows_of_its_own_scope(board: Board) -> None:
    class ChangeOwn(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return None if action is Action.RETRIEVE else {"owner_id": request.user.pk}

    board.add_tickets("anns", owner_id=ANN.pk)
    board.add_tickets("bobs", owner_id=BOB.pk)
    for filt, permission in ({"key": "read own"}, ReadOwn), ({"key": "change own"}, ChangeOwn):
        board.handler(filt=filt, permission=permission, retrieve_all=True)
    bobs = {"id": 2}
    for key, seen in (("read own", []), ("change own", ["bobs"])):
        one = await board.ask({"key": key, **bobs}, user=ANN)
        assert [row["title"] for row in one.tuples] == seen
        every = await board.ask({"key": key}, user=ANN)
        assert [row["title"] for row in every.tuples] == ["anns", *seen]
    before = board.database.everything()
    own = {"key": "change own"}
    assert "no row" in (await board.ask(own, [ticket(**bobs, title="x")], user=ANN)).error
    assert (await board.ask({**own, **bobs, "delete": True}, user=ANN)).result is True
    assert board.database.everything() == before
    other = {"key": "read own"}
    assert (await board.ask(other, [ticket(**bobs, title="x")], user=ANN)).result is True
    assert (await board.ask({**other, **bobs, "delete": True}, user=ANN)).result is True
    assert board.titles() == ["anns"]
