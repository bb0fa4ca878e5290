"""What somebody with an account could find out about the rows of others by trying."""

import base64
from typing import Any

import pytest

from django_vortex.orm.crud.extension import Context, CrudExtension
from django_vortex.routing.permissions import Action, Permission
from django_vortex.routing.request import Request
from tests.crud.asking import Record
from tests.crud.boards import ANN, BOB, TICKET, Board, over_core_tables, ticket
from tests.support.told import text_of

pytestmark = over_core_tables

DELETE = {**TICKET, "delete": True}
PROJECT = {"key": "board.project"}


class ReadOwn(Permission):
    """Everybody retrieves its own rows, and may change those with few points of everybody."""

    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk} if action is Action.RETRIEVE else None

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return action is Action.RETRIEVE or bool(row.points < 10)


class DropBox(Permission):
    """Nobody retrieves anything, and rows with few points may be changed."""

    def allows(self, request: Request, action: Action) -> bool:
        return action is not Action.RETRIEVE

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return action is Action.RETRIEVE or bool(row.points < 10)


class ChangeAll(Permission):
    """Everybody changes every row and retrieves its own."""

    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk} if action is Action.RETRIEVE else None


class Masked(CrudExtension):
    def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
        values["title"] = "***"


@pytest.mark.parametrize("permission", [ReadOwn, DropBox])
@pytest.mark.parametrize("filt", [TICKET, DELETE])
async def test_a_row_that_may_not_be_changed_is_not_there_for_who_does_not_see_it(
    board: Board, permission: Any, filt: dict[str, Any]
) -> None:
    board.add_tickets("bobs", owner_id=BOB.pk, points=50)
    board.handler(permission=permission)
    before = board.database.everything()
    answers = [
        str((await board.ask(filt, [ticket(id=key)], user=ANN)).result).replace(str(key), "?")
        for key in (1, 9)
    ]
    assert answers[0] == answers[1]
    assert board.database.everything() == before


async def test_who_sees_a_row_is_told_that_it_may_not_be_changed(board: Board) -> None:
    board.add_tickets("anns", owner_id=ANN.pk, points=50)
    board.handler(permission=ReadOwn)
    for filt, word in ((TICKET, "update"), (DELETE, "delete")):
        reply = await board.ask(filt, [ticket(id=1)], user=ANN)
        assert reply.error == f"You may not {word} this row"


async def test_a_read_only_field_cannot_be_guessed_where_it_is_not_told(board: Board) -> None:
    board.add_tickets("bobs", owner_id=BOB.pk)
    board.handler(fields=["title", "points"], read_only_fields=["title"], permission=ChangeAll)
    answers = [
        await board.ask(TICKET, [ticket(id=1, points=5, title=guess)], user=ANN)
        for guess in ("bobs", "wrong")
    ]
    assert answers[0].result == answers[1].result
    assert "read-only" in answers[0].error
    told = (await board.ask(TICKET, [ticket(id=1, points=5)], user=ANN)).tuples
    assert (await board.ask(TICKET, told, user=ANN)).result is True, "what came may go back"
    assert board.titles() == ["bobs"]


@pytest.mark.parametrize("read_only", [(), ("title",)])
async def test_what_a_hook_hides_goes_back_as_it_came(
    board: Board, read_only: tuple[str, ...]
) -> None:
    board.add_tickets("secret")
    board.handler(fields=["title", "points"], read_only_fields=read_only, extensions=[Masked])
    [row] = (await board.ask({**TICKET, "id": 1})).tuples
    assert row["title"] == "***"
    row.fields["points"] = 8
    assert (await board.ask(TICKET, [row])).result is True
    assert [(row["title"], row["points"]) for row in board.database.rows()] == [("secret", 8)]


async def test_what_a_hook_hides_cannot_be_guessed(board: Board) -> None:
    board.add_tickets("secret")
    board.handler(fields=["title", "points"], read_only_fields=["title"], extensions=[Masked])
    answers = [await board.ask(TICKET, [ticket(id=1, title=guess)]) for guess in ("secret", "x")]
    assert answers[0].result == answers[1].result
    assert "read-only" in answers[0].error


class OwnTenant(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"code": str(request.user.pk)}


class OneOfTenants(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"code__in": [str(request.user.pk), "common"]}


class OwnTenantOrNumber(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"code": str(request.user.pk), "id__gt": 0}


@pytest.mark.parametrize(
    "permission", [OwnTenant, OneOfTenants, OwnTenantOrNumber, OwnTenant() | OneOfTenants()]
)
async def test_nobody_tries_what_is_unique_among_the_rows_of_others(
    board: Board, permission: Any
) -> None:
    """A row that would be in another scope is refused before the database compares it."""
    board.database.add("project", name="taken", code=str(BOB.pk))
    board.database.add("project", name="anns", code=str(ANN.pk))
    board.handler(
        board.Project,
        filt=PROJECT,
        fields=["name", "code"],
        type_name="board.Project",
        permission=permission,
    )
    before = board.database.everything()
    for fields in ({}, {"id": 2}):
        for name in ("taken", "free"):
            row = Record("board.Project", **fields, name=name, code=str(BOB.pk))
            reply = await board.ask(PROJECT, [row], user=ANN)
            assert text_of(reply.result) == "A row would leave what you may see"
    assert board.database.everything() == before
    row = Record("board.Project", name="new", code=str(ANN.pk))
    assert (await board.ask(PROJECT, [row], user=ANN)).result is True


async def test_a_value_that_is_taken_tells_nothing_of_who_has_it(board: Board) -> None:
    """That it is taken cannot be hidden, as the table has it only once."""
    board.database.add("project", name="bobs", code=str(BOB.pk))
    board.database.add("project", name="anns", code=str(ANN.pk))
    board.handler(
        board.Project,
        filt=PROJECT,
        fields=["name", "code"],
        type_name="board.Project",
        permission=OwnTenant,
    )
    row = Record("board.Project", code=str(ANN.pk))
    replies = []
    for name in ("bobs", "anns"):
        row.fields["name"] = name
        replies.append(await board.ask(PROJECT, [row], user=ANN))
    assert replies[0].result == replies[1].result
    assert [error["field"] for error in replies[0].result["errors"]] == ["name"]
    assert replies[0].tuples == []


@pytest.mark.parametrize("key", [1, 2])
async def test_a_key_that_is_taken_tells_nothing_of_its_row(board: Board, key: int) -> None:
    """Of two rows that Ann does not see, one by its scope and one by itself."""

    class Hidden(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"owner_id": request.user.pk}

        def allows_object(self, request: Request, action: Action, row: Any) -> bool:
            return bool(row.points < 10)

    board.add_tickets("bobs", owner_id=BOB.pk)
    board.add_tickets("anns", owner_id=ANN.pk, points=50)
    board.handler(client_keys=True, permission=Hidden, fields=["title", "owner_id"])
    before = board.database.everything()
    reply = await board.ask(TICKET, [ticket(id=key, title="x", owner_id=ANN.pk)], user=ANN)
    assert "bobs" not in reply.text
    assert "anns" not in reply.text
    assert "no row" not in reply.error
    assert board.database.everything() == before


async def read_pages(board: Board, limit: int) -> tuple[list[str], list[int], list[str]]:
    """Return the titles, the counts and the cursors of all pages."""
    titles, counts, cursors = [], [], []
    after = None
    while True:
        reply = await board.ask({**TICKET, "order": ["title"], "limit": limit, "after": after})
        *rows, page = reply.tuples
        titles += [row["title"] for row in rows]
        counts.append(page["count"])
        after = page["next"]
        if after is None:
            return titles, counts, cursors
        cursors.append(base64.urlsafe_b64decode(after).decode())


class Few(Permission):
    """Nobody sees rows with many points."""

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.points < 10)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_pages_tell_nothing_of_the_rows_that_are_not_on_them(
    board: Board, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_vortex.orm.crud.table.MIN_ROWS", 2)
    for number, points in enumerate([50, 1, 50, 50, 50, 50, 1, 1, 50, 1, 50, 50, 50]):
        board.add_tickets(f"{'hidden' if points > 9 else 'shown'} {number:02}", points=points)
    board.handler(permission=Few, retrieve_all=True, ordering=["title"])
    titles, counts, cursors = await read_pages(board, limit)
    assert titles == ["shown 01", "shown 06", "shown 07", "shown 09"]
    assert counts == {1: [1, 1, 1, 1], 2: [2, 2], 3: [3, 1], 10: [4]}[limit]
    assert not [cursor for cursor in cursors if "hidden" in cursor]


async def test_a_list_of_hidden_rows_takes_few_statements(board: Board) -> None:
    for _ in range(450):
        board.add_tickets("hidden", points=50)
    board.handler(permission=Few, retrieve_all=True, ordering=["title"])
    with board.noted() as statements:
        assert await read_pages(board, 1) == ([], [0], [])
    assert len([one for one in statements if one.startswith("SELECT")]) == 4
