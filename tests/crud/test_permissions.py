"""Who may do what, alone and joined."""

from typing import Any

import pytest

from django_vortex.exceptions import PermissionDenied
from django_vortex.routing.permissions import (
    Action,
    AllowAny,
    IsAuthenticated,
    IsStaff,
    ModelPermissions,
    Permission,
    ReadOnly,
)
from django_vortex.routing.ports import is_on_loop
from django_vortex.routing.request import Request
from tests.crud.boards import ANN, BOB, STAFF, TICKET, Board, User, ticket

CHANGER = User(10, permissions=frozenset({"crud_tests.view_ticket", "crud_tests.change_ticket"}))
RETIRED = User(11, is_staff=True, is_active=False)

ALL = "create retrieve update delete"
NONE = ""
READ = "retrieve"


class Is(Permission):
    """Whoever has a primary key, found out later."""

    def __init__(self, pk: int) -> None:
        self._pk = pk

    async def allows(self, request: Request, action: Action) -> bool:
        return getattr(request.user, "pk", None) == self._pk


class Few(Permission):
    """Nobody touches rows with many points."""

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.points < 10)


class FewLater(Permission):
    async def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.points < 10)


async def find_allowed(board: Board, user: User | None) -> str:
    """Try everything with a row and tell what was done."""
    board.database.clear()
    board.add_tickets("a")
    async with board.connected(user) as peer:
        replies = {
            "create": await peer.ask(TICKET, [ticket(title="b")]),
            "retrieve": await peer.ask({**TICKET, "id": 1}),
            "update": await peer.ask(TICKET, [ticket(id=1, title="A")]),
            "delete": await peer.ask({**TICKET, "delete": True, "id": 1}),
        }
    rows = {row["id"]: row["title"] for row in board.database.rows()}
    done = {
        "create": 2 in rows,
        "retrieve": bool(replies["retrieve"].tuples),
        "update": bool(replies["update"].tuples),
        "delete": 1 not in rows,
    }
    for action, reply in replies.items():
        assert reply.is_success is done[action], (action, reply)
    if not done["delete"]:
        assert (rows[1] == "A") is done["update"]
    return " ".join(action for action in done if done[action])


@pytest.mark.parametrize(
    ("permission", "user", "expected"),
    [
        (AllowAny, None, ALL),
        (IsAuthenticated, None, NONE),
        (IsAuthenticated, ANN, ALL),
        (ReadOnly, STAFF, READ),
        (IsStaff, ANN, NONE),
        (IsStaff, STAFF, ALL),
        (IsStaff, RETIRED, NONE),
        (IsStaff | ReadOnly, None, READ),
        (IsStaff | ReadOnly, STAFF, ALL),
        (IsStaff & ReadOnly, STAFF, READ),
        (~IsStaff, STAFF, NONE),
        (~IsStaff & IsAuthenticated, ANN, ALL),
        (~(IsStaff | ReadOnly), ANN, "create update delete"),
        (Is(7), ANN, ALL),
        (Is(7), BOB, NONE),
        (Is(7) | ReadOnly, BOB, READ),
        (~Is(7), BOB, ALL),
        (Is(7) & IsStaff, ANN, NONE),
        (ModelPermissions(("crud_tests", "ticket")), CHANGER, "retrieve update"),
        (ModelPermissions(("crud_tests", "ticket")), ANN, NONE),
        (ModelPermissions(("crud_tests", "ticket")) | IsStaff, STAFF, ALL),
    ],
)
async def test_a_permission_lets_through(
    board: Board, permission: Any, user: User | None, expected: str
) -> None:
    board.handler(permission=permission)
    assert await find_allowed(board, user) == expected


async def test_nobody_in_particular_may_only_read_by_default(board: Board) -> None:
    board.handler(permission=None)
    assert await find_allowed(board, None) == READ


async def test_who_is_logged_in_may_write_by_default(board: Board) -> None:
    board.handler(permission=None)
    assert await find_allowed(board, ANN) == ALL


async def test_the_default_is_a_setting(board: Board, settings: Any) -> None:
    settings.VORTEX = {"CRUD_PERMISSION": "django_vortex.IsStaff"}
    board.handler(permission=None)
    assert await find_allowed(board, ANN) == NONE
    assert await find_allowed(board, STAFF) == ALL


async def test_an_unsaved_row_is_for_those_who_may_create(board: Board) -> None:
    board.handler(permission=IsStaff | ReadOnly)
    assert not (await board.ask(user=ANN)).is_success
    assert (await board.ask(user=STAFF)).is_success


async def test_rows_that_remain_after_delete_are_for_those_who_may_read(board: Board) -> None:
    class DeleteOnly(Permission):
        def allows(self, request: Request, action: Action) -> bool:
            return action is Action.DELETE

    board.add_tickets("a", "b")
    board.handler(permission=DeleteOnly, retrieve_all=True)
    reply = await board.ask({**TICKET, "delete": True, "id": 1})
    assert reply.tuples == []
    assert "b" not in [getattr(row, "fields", {}).get("title") for row in reply.tuples]


@pytest.mark.parametrize("permission", [Few, FewLater, IsAuthenticated & Few])
async def test_a_row_may_be_denied(board: Board, permission: Any) -> None:
    board.add_tickets("few")
    board.add_tickets("many", points=50)
    board.handler(permission=permission)
    before = board.database.everything()
    async with board.connected(ANN) as peer:
        for reply in [
            await peer.ask({**TICKET, "id": 2}),
            await peer.ask(TICKET, [ticket(id=1, title="x"), ticket(id=2, title="y")]),
            await peer.ask({**TICKET, "delete": True}, [ticket(id=2)]),
        ]:
            assert reply.tuples == []
            assert "many" not in reply.text
        assert board.database.everything() == before
        assert (await peer.ask(TICKET, [ticket(id=1, title="x")])).result is True


async def test_a_row_may_be_denied_for_some_actions(board: Board) -> None:
    class KeepMany(Permission):
        def allows_object(self, request: Request, action: Action, row: Any) -> bool:
            return action is Action.RETRIEVE or bool(row.points < 10)

    board.add_tickets("few")
    board.add_tickets("many", points=50)
    board.handler(permission=KeepMany)
    before = board.database.everything()
    assert (await board.ask({**TICKET, "id": 2})).tuples[0]["title"] == "many"
    rows = [ticket(id=1, title="x"), ticket(id=2, title="y")]
    assert "update" in (await board.ask(TICKET, rows)).error
    assert "delete" in (await board.ask({**TICKET, "delete": True}, rows)).error
    assert board.database.everything() == before


@pytest.mark.parametrize("permission", [Few, FewLater])
async def test_a_row_may_not_become_what_is_denied(board: Board, permission: Any) -> None:
    board.add_tickets("few")
    board.handler(permission=permission)
    before = board.database.everything()
    assert not (await board.ask(TICKET, [ticket(id=1, points=50)])).is_success
    assert not (await board.ask(TICKET, [ticket(title="new", points=50)])).is_success
    assert board.database.everything() == before


async def test_what_a_permission_says_is_told(board: Board) -> None:
    class Closed(Permission):
        def allows(self, request: Request, action: Action) -> bool:
            raise PermissionDenied("Closed on Sundays")

    board.handler(permission=Closed)
    assert "Closed on Sundays" in (await board.ask({**TICKET, "id": 1})).error


async def test_a_denied_peer_is_not_told_whether_a_row_is_there(board: Board) -> None:
    board.add_tickets("a")
    board.handler(permission=IsStaff)
    replies = [await board.ask({**TICKET, "id": key}, user=ANN) for key in (1, 99)]
    assert replies[0].result == replies[1].result


class Anybody(Permission):
    """Whoever asks, found out later."""

    async def allows(self, request: Request, action: Action) -> bool:
        assert is_on_loop()
        return True

    async def scope(self, request: Request, action: Action) -> Any:
        assert is_on_loop()
        return {"points__lt": 10}


class Blocking(Permission):
    """Whoever asks, after a question to a database, which no loop can wait for."""

    def __init__(self, *, may_be_on_loop: bool) -> None:
        self._may_be_on_loop = may_be_on_loop

    def allows(self, request: Request, action: Action) -> bool:
        return self._may_be_on_loop or not is_on_loop()

    def scope(self, request: Request, action: Action) -> Any:
        return {"points__gt": 0} if self._may_be_on_loop or not is_on_loop() else {"points": -1}


@pytest.mark.parametrize("join", ["and", "or", "not"])
async def test_plain_parts_of_a_join_stay_in_their_thread(board: Board, join: str) -> None:
    blocking = Blocking(may_be_on_loop="async" in str(board.options.get("session_factory")))
    joined: Any = {
        "and": Anybody() & blocking,
        "or": ~Anybody() & blocking | blocking & Anybody(),
        "not": ~(~Anybody() | ~blocking),
    }[join]
    board.add_tickets("a")
    board.handler(permission=joined, retrieve_all=True)
    reply = await board.ask()
    assert [row["title"] for row in reply.tuples] == ["a"], reply


async def test_whoever_is_allowed_later_gets_updates(board: Board) -> None:
    board.add_tickets("a")
    handler = board.handler(permission=Is(7))
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        handler.send_model_update(1)
        reply = await ann.receive({**TICKET, "id": 1})
        assert [row["title"] for row in reply.tuples] == ["a"]
        assert bob.take() == []
