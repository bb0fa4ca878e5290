"""A `RowsHandler` reads what its queryset says as it says it, over every store and database."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import defer

from django_vortex.orm.crud.rows_handler import RowsHandler
from django_vortex.orm.django.tuples import install as install_django
from django_vortex.orm.sqlalchemy.tuples import install as install_sqlalchemy
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.tuples import tuple_type
from tests.crud.boards import ANN, BOB, TICKET, Board

FIELDS = ["id", "title", "points"]


class Own(Permission):
    async def scope(self, request: Request, action: Action) -> Any:
        assert action is Action.RETRIEVE
        return {"owner_id": request.user.pk}


class Cheap(Permission):
    async def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row.points < 3)


def rows_of(board: Board, **conditions: Any) -> Any:
    """Return a queryset or ``select`` of the tickets, by points from the highest."""
    Ticket = board.Ticket
    if board.is_django:
        queryset = Ticket.objects.using(board.database.alias)
        return queryset.filter(**conditions).order_by("-points")
    return select(Ticket).filter_by(**conditions).order_by(Ticket.points.desc())


def serve(board: Board, cls: type[RowsHandler] = RowsHandler, **options: Any) -> RowsHandler:
    registry = board.payload_io.codec.registry
    (install_django if board.is_django else install_sqlalchemy)(registry)
    if registry.get_by_class(board.Ticket) is None:
        tuple_type("board.Ticket", fields=FIELDS, registry=registry)(board.Ticket)
    reached = {name: value for name, value in board.options.items() if name != "using"}
    options = {"permission": AllowAny, **reached, **options}
    if "queryset" not in options and cls is RowsHandler:
        options["queryset"] = rows_of(board)
    made = cls(options.pop("filt", TICKET), board.Ticket, payload_io=board.payload_io, **options)
    board._kept.append(made)
    return made


async def titles(board: Board, **more: Any) -> list[str]:
    reply = await board.ask(**more)
    assert reply.is_success, reply
    return [row["title"] for row in reply.tuples]


@pytest.fixture
def tickets(board: Board) -> Board:
    for number, title in enumerate("abcd"):
        board.add_tickets(title, points=number, owner_id=7 + number % 2)
    return board


async def test_order_and_limit_of_the_application_count(tickets: Board) -> None:
    rows = rows_of(tickets)
    serve(tickets, queryset=rows[:3] if tickets.is_django else rows.limit(3))
    assert await titles(tickets) == ["d", "c", "b"]


async def test_a_permission_narrows_rows_down_and_keeps_their_order(tickets: Board) -> None:
    serve(tickets, permission=Own & Cheap)
    assert await titles(tickets, user=ANN) == ["c", "a"]
    assert await titles(tickets, user=BOB) == ["b"]


async def test_a_coroutine_may_say_which_rows_there_are(tickets: Board) -> None:
    class Chosen(RowsHandler):
        async def get_queryset(self, request: Request) -> Any:
            return rows_of(tickets, points=request.filt["points"])

    serve(tickets, Chosen)
    assert await titles(tickets, filt={**TICKET, "points": 2}) == ["c"]


async def test_hooks_see_instances_and_may_refuse(tickets: Board) -> None:
    class Hooked(RowsHandler):
        queryset = rows_of(tickets)

        def pre_process(self, request: Request) -> None:
            assert "no" not in request.filt

        def build_model(self, request: Request) -> list[Any]:
            return super().build_model(request)[1:]

        def post_process(self, request: Request, payload: Any) -> None:
            assert all(isinstance(row, tickets.Ticket) for row in payload.tuples)
            payload.tuples = payload.tuples[:2]

    serve(tickets, Hooked)
    assert await titles(tickets) == ["c", "b"]


async def test_what_is_deferred_stays_so_unless_it_travels(tickets: Board) -> None:
    Ticket, rows = tickets.Ticket, rows_of(tickets)
    deferred = (
        rows.defer("title", "secret", "price")
        if tickets.is_django
        else rows.options(defer(Ticket.title), defer(Ticket.secret), defer(Ticket.price))
    )
    serve(tickets, queryset=deferred)
    with tickets.noted() as statements:
        assert await titles(tickets) == ["d", "c", "b", "a"]
    [statement] = [one for one in statements if one.startswith("SELECT") and "crud_ticket" in one]
    assert "title" in statement
    assert "secret" not in statement
    assert "price" not in statement


async def test_a_value_that_the_database_does_not_know_is_the_mistake_of_the_peer(
    tickets: Board,
) -> None:
    class Named(RowsHandler):
        def get_queryset(self, request: Request) -> Any:
            return rows_of(tickets, title=request.filt["title"])

    serve(tickets, Named)
    reply = await tickets.ask({**TICKET, "title": "a\0b"})
    if tickets.database.is_postgres:  # SQLite compares it
        assert reply.result["error"] == "validation"
    else:
        assert reply.tuples == []


async def test_an_update_is_pushed_as_the_rows_are_read(tickets: Board) -> None:
    handler = serve(tickets)
    async with tickets.connected() as peer:
        handler.send_model_update()
        reply = await peer.receive(TICKET)
    assert [row["title"] for row in reply.tuples] == ["d", "c", "b", "a"]
