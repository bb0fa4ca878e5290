"""Of two who change what both have seen, the second is told and gets what there is."""

from typing import Any

import pytest

from django_vortex.routing.permissions import Action, Permission
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Reply
from tests.crud.boards import ANN, BOB, TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

FIELDS = ["id", "title", "points", "version"]


def serve(board: Board, **options: Any) -> None:
    board.handler(fields=FIELDS, version_field="version", **options)


def check_conflict(reply: Reply, *current: Any) -> None:
    assert reply.result["error"] == "conflict"
    assert reply.tuples == list(current)


async def test_the_second_of_two_stale_saves_gets_the_current_row(board: Board) -> None:
    board.add_tickets("a")
    serve(board)
    async with board.connected() as ann, board.connected() as bob:
        [hers] = (await ann.ask({**TICKET, "id": 1})).tuples
        [his] = (await bob.ask({**TICKET, "id": 1})).tuples
        hers.fields["title"], his.fields["title"] = "by Ann", "by Bob"
        [stored] = (await ann.ask(TICKET, [hers])).tuples
        conflict = await bob.ask(TICKET, [his])
    assert (stored["title"], stored["version"]) == ("by Ann", 2)
    check_conflict(conflict, stored)
    assert board.titles() == ["by Ann"]


async def test_who_has_the_current_row_may_save_again(board: Board) -> None:
    board.add_tickets("a")
    serve(board)
    await board.ask(TICKET, [ticket(id=1, title="b", version=1)])
    conflict = await board.ask(TICKET, [ticket(id=1, title="c", version=1)])
    [current] = conflict.tuples
    current.fields["title"] = "c"
    [stored] = (await board.ask(TICKET, [current])).tuples
    assert (stored["title"], stored["version"]) == ("c", 3)


async def test_nothing_of_a_message_with_a_conflict_is_stored(board: Board) -> None:
    board.add_tickets("a", "b", version=5)
    serve(board)
    before = board.database.everything()
    tuples = [
        ticket(title="new"),
        ticket(id=1, title="A", version=5),
        ticket(id=2, title="B", version=4),
    ]
    reply = await board.ask(TICKET, tuples)
    check_conflict(reply, ticket(id=2, title="b", points=3, version=5))
    assert board.database.everything() == before


async def test_a_new_row_has_the_first_version_whatever_its_peer_says(board: Board) -> None:
    serve(board)
    [stored] = (await board.ask(TICKET, [ticket(title="a", version=None)])).tuples
    assert stored["version"] == 1


async def test_a_stale_delete_gets_the_current_row(board: Board) -> None:
    board.add_tickets("a", version=5)
    serve(board)
    reply = await board.ask({**TICKET, "delete": True}, [ticket(id=1, title="x", version=4)])
    check_conflict(reply, ticket(id=1, title="a", points=3, version=5))
    assert board.titles() == ["a"]
    reply = await board.ask({**TICKET, "delete": True}, [ticket(id=1, version=5)])
    assert (reply.result, board.titles()) == (True, [])


async def test_each_save_counts_once(board: Board) -> None:
    board.add_tickets("a")
    serve(board)
    for expected in (2, 3, 4):
        tuples = [ticket(id=1, points=expected, version=expected - 1)]
        [stored] = (await board.ask(TICKET, tuples)).tuples
        assert stored["version"] == expected
    assert board.database.rows()[0]["version"] == 4


@pytest.mark.parametrize("version", [{}, {"version": None}])
async def test_who_does_not_say_what_was_seen_changes_nothing(
    board: Board, version: dict[str, Any]
) -> None:
    board.add_tickets("a")
    serve(board)
    reply = await board.ask(TICKET, [ticket(id=1, title="b", **version)])
    assert "version" in reply.error
    assert board.titles() == ["a"]


async def test_who_makes_a_row_that_it_can_see_is_told_that_it_is_there(board: Board) -> None:
    class ChangesAll(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"owner_id": ANN.pk} if action is Action.RETRIEVE else None

    board.add_tickets("anns", owner_id=ANN.pk)
    board.add_tickets("bobs", owner_id=BOB.pk)
    serve(board, client_keys=True, permission=ChangesAll)
    for key, is_told in ((1, True), (2, False)):
        reply = await board.ask(TICKET, [ticket(id=key, title="new")], user=ANN)
        assert [error["field"] for error in reply.result["errors"]] == ["version"]
        assert ("There is such a row already" in reply.error) is is_told
    assert board.titles() == ["anns", "bobs"]


@pytest.mark.parametrize("version", ["1", 1.5, True, [1]])
async def test_a_version_of_another_kind_changes_nothing(board: Board, version: Any) -> None:
    board.add_tickets("a")
    serve(board)
    reply = await board.ask(TICKET, [ticket(id=1, title="b", version=version)])
    assert not reply.is_success
    assert board.titles() == ["a"]


@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D2])
async def test_released_clients_get_text_and_the_current_row(
    board: Board, dialect: Dialect
) -> None:
    board.add_tickets("a", version=5)
    serve(board)
    reply = await board.ask(TICKET, [ticket(id=1, title="b", version=4)], dialect=dialect)
    assert isinstance(reply.result, str)
    assert reply.tuples == [ticket(id=1, title="a", points=3, version=5)]
