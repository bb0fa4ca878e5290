"""Lists are read without rows where nobody asks for one, and say the same."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from django_vortex.orm.crud.extension import Context, CrudExtension
from django_vortex.orm.django.crud_rows import DjangoCrudRows
from django_vortex.orm.sqlalchemy.unit import SqlAlchemyRows
from django_vortex.routing.permissions import Action, AllowAny, Permission
from django_vortex.routing.request import Request
from tests.crud.boards import FIELDS, TICKET, Board

WATCHED = {"key": "board.watched"}
LISTED: dict[str, Any] = {
    "retrieve_all": True,
    "filters": ["points__lt"],
    "ordering": ["due", "price", "owner_id"],
}


class Watching(CrudExtension):
    """Sees each row and changes nothing."""

    def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
        assert row.title == values["title"]


class Telling(CrudExtension):
    """Has hooks, but none for rows that are read."""

    def before_retrieve(self, context: Context) -> None:
        pass


class Own(Permission):
    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return row.owner_id != 8


class Few(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"points__lt": 4}


def forbid(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Let the test fail when rows are read in a way."""

    def fail(*arguments: Any) -> None:
        raise AssertionError(f"{way} was called")

    for rows in (DjangoCrudRows, SqlAlchemyRows):
        monkeypatch.setattr(rows, way, fail)


def add_tickets(board: Board) -> None:
    board.database.add("project", name="p")
    for number in range(7):
        board.add_tickets(
            f"t{number}",
            points=number,
            owner_id=number % 3 + 7,
            due=date(2024, 1, number) if number % 2 else None,
            price=Decimal(number) / 2 if number % 3 else None,
            project_id=1 if number % 2 else None,
        )


@pytest.mark.parametrize(
    "options",
    [{}, {"extensions": [Telling]}, {"permission": Few}, {"fields": ["title"]}],
    ids=["all", "other hooks", "scope", "one field"],
)
async def test_no_row_is_made_where_nobody_asks_for_one(
    board: Board, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tickets(board)
    forbid(monkeypatch, "find")
    board.handler(**{**LISTED, **options})
    reply = await board.ask()
    assert [row["title"] for row in reply.tuples][:3] == ["t0", "t1", "t2"]
    assert len(reply.tuples) == (4 if "permission" in options else 7)


@pytest.mark.parametrize(
    ("options", "filt"),
    [
        ({"extensions": [Watching]}, {}),
        ({"permission": Own}, {}),
        ({"permission": AllowAny & Own}, {}),
        ({"nested": {"project": ["name"]}}, {}),
        ({}, {"order": ["owner_id"]}),
    ],
    ids=["hook", "object permission", "joined", "relation", "order by what is not seen"],
)
async def test_who_asks_for_rows_gets_them(
    board: Board, options: dict[str, Any], filt: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tickets(board)
    forbid(monkeypatch, "find_values")
    board.handler(**LISTED, **options)
    reply = await board.ask({**TICKET, **filt})
    assert len(reply.tuples) == (5 if "permission" in options else 7), reply


@pytest.mark.parametrize(
    "filt",
    [
        {},
        {"where": {"points__lt": 4}},
        {"order": ["-due", "price"]},
        {"order": ["price"], "limit": 3},
        {"limit": 7},
    ],
)
async def test_a_list_is_the_same_both_ways(board: Board, filt: dict[str, Any]) -> None:
    add_tickets(board)
    names = {"fields": [*FIELDS, "project_id"], "type_name": "board.Whole"}
    board.handler(**LISTED, **names)
    board.handler(filt=WATCHED, **LISTED, **names, extensions=[Watching])
    plain, watched = await board.ask({**TICKET, **filt}), await board.ask({**WATCHED, **filt})
    assert len(plain.tuples) > 2
    assert plain.tuples == watched.tuples
    if plain.tuples[-1].type_name == "vortex.Page" and plain.tuples[-1]["next"] is not None:
        filt = {**filt, "after": plain.tuples[-1]["next"]}
        plain, watched = await board.ask({**TICKET, **filt}), await board.ask({**WATCHED, **filt})
        assert len(plain.tuples) > 2
        assert plain.tuples == watched.tuples


async def test_what_is_left_after_a_delete_is_the_same_both_ways(board: Board) -> None:
    add_tickets(board)
    board.handler(**LISTED)
    board.handler(filt=WATCHED, **LISTED, extensions=[Watching])
    plain = await board.ask({**TICKET, "delete": True, "id": 1})
    watched = await board.ask({**WATCHED, "delete": True, "id": 99})
    assert len(plain.tuples) == 6
    assert plain.tuples == watched.tuples
