"""Filters, order and pages of what a handler declares."""

import base64
import datetime
from decimal import Decimal
from typing import Any

import pytest

from django_vortex.wire.dialects import Dialect
from tests.crud.asking import CODEC, Asker, Record
from tests.crud.boards import TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

NATIVE = Dialect.NATIVE
FILTERS = ["state", "state__in", "points__gte", "points__lt", "points__range", "due", "due__isnull"]
FILTERS += ["due__lt", "title__icontains", "title__startswith"]
ORDERING = ["id", "title", "points", "due", "state"]


def serve(board: Board, **options: Any) -> Any:
    declared = {"retrieve_all": True, "filters": FILTERS, "ordering": ORDERING}
    return board.handler(**{**declared, **options})


def day(number: int) -> datetime.date:
    return datetime.date(2024, 6, number)


async def titles(board: Board, **keys: Any) -> list[str]:
    reply = await board.ask({**TICKET, **keys})
    assert reply.result is None, reply
    return [row["title"] for row in reply.tuples if row.type_name == "board.Ticket"]


async def read_page(peer: Asker, **keys: Any) -> tuple[list[str], Record]:
    """Return the titles of a page and what stands behind them."""
    reply = await peer.ask({**TICKET, **keys})
    assert reply.result is None, reply
    *rows, page = reply.tuples
    assert page.type_name == "vortex.Page"
    assert page["count"] == len(rows)
    return [row["title"] for row in rows], page


async def read_all(peer: Asker, **keys: Any) -> list[list[str]]:
    """Return the titles of all pages."""
    pages: list[list[str]] = []
    after = None
    while True:
        found, page = await read_page(peer, **keys, **({} if after is None else {"after": after}))
        pages.append(found)
        after = page["next"]
        if after is None:
            return pages
        assert len(pages) < 50


def add_some(board: Board) -> None:
    board.add_tickets("apple", points=1, state="open", due=day(3))
    board.add_tickets("Banana", points=5, state="closed")
    board.add_tickets("cherry", points=5, state="open", due=day(1))
    board.add_tickets("100%", points=2, state="open")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, ["apple", "Banana", "cherry", "100%"]),
        ({"state": "open"}, ["apple", "cherry", "100%"]),
        ({"state__in": ["closed", "lost"]}, ["Banana"]),
        ({"state__in": []}, []),
        ({"points__gte": 2, "points__lt": 5}, ["100%"]),
        ({"points__range": [1, 2]}, ["apple", "100%"]),
        ({"due": day(1)}, ["cherry"]),
        ({"due": None}, ["Banana", "100%"]),
        ({"due__isnull": False}, ["apple", "cherry"]),
        ({"due__lt": day(3)}, ["cherry"]),
        ({"title__icontains": "AN"}, ["Banana"]),
        ({"title__icontains": "%"}, ["100%"]),
        ({"title__startswith": "_"}, []),
        ({"title__startswith": "B"}, ["Banana"]),
    ],
)
async def test_rows_are_filtered(board: Board, where: dict[str, Any], expected: list[str]) -> None:
    add_some(board)
    serve(board)
    assert await titles(board, where=where) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["points"], ["apple", "100%", "Banana", "cherry"]),
        (["-points"], ["Banana", "cherry", "100%", "apple"]),
        (["-points", "-id"], ["cherry", "Banana", "100%", "apple"]),
        (["due"], ["cherry", "apple", "Banana", "100%"]),
        (["-due"], ["Banana", "100%", "apple", "cherry"]),
        (["state", "-points"], ["Banana", "cherry", "100%", "apple"]),
        ("points", ["apple", "100%", "Banana", "cherry"]),
    ],
)
async def test_rows_are_ordered_and_nulls_are_greatest(
    board: Board, order: Any, expected: list[str]
) -> None:
    add_some(board)
    serve(board)
    assert await titles(board, order=order) == expected


async def test_a_handler_has_an_order_of_its_own(board: Board) -> None:
    add_some(board)
    serve(board, default_ordering=["-points", "title"])
    assert await titles(board) == ["Banana", "cherry", "100%", "apple"]


async def test_a_page_is_given_to_who_asks_for_one(board: Board) -> None:
    add_some(board)
    serve(board)
    async with board.connected() as peer:
        found, page = await read_page(peer, limit=3)
        assert (found, page["next"] is None) == (["apple", "Banana", "cherry"], False)
        found, page = await read_page(peer, limit=3, after=page["next"])
        assert (found, page["next"]) == (["100%"], None)


async def test_no_page_follows_rows_that_fit_exactly(board: Board) -> None:
    add_some(board)
    serve(board)
    async with board.connected() as peer:
        found, page = await read_page(peer, limit=4)
        assert (len(found), page["next"]) == (4, None)


async def test_a_page_of_nothing_is_empty(board: Board) -> None:
    serve(board)
    async with board.connected() as peer:
        found, page = await read_page(peer, limit=3)
        assert (found, page["next"]) == ([], None)


@pytest.mark.parametrize("order", [["id"], ["points"], ["-points"], ["due"], ["-due"], ["-id"]])
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_give_every_row_once_whatever_is_equal(
    board: Board, order: list[str], limit: int
) -> None:
    for number in range(7):
        due = day(number % 2 + 1) if number % 3 else None
        board.add_tickets(f"t{number}", points=number % 2, due=due)
    serve(board)
    whole = await titles(board, order=order)
    async with board.connected() as peer:
        pages = await read_all(peer, order=order, limit=limit)
    assert [title for page in pages for title in page] == whole
    assert all(len(page) == limit for page in pages[:-1])


async def test_pages_keep_their_place_while_rows_come_and_go(board: Board) -> None:
    for number in range(6):
        board.add_tickets(f"t{number}", points=10 * number)
    serve(board)
    keys = {"order": ["points"], "limit": 2}
    async with board.connected() as peer:
        first, page = await read_page(peer, **keys)
        board.add_tickets("before", points=5)
        board.add_tickets("behind", points=25)
        board.database.execute("DELETE FROM crud_ticket WHERE title IN ('t1', 't4')")
        second, page = await read_page(peer, **keys, after=page["next"])
        third, page = await read_page(peer, **keys, after=page["next"])
    assert [first, second, third] == [["t0", "t1"], ["t2", "behind"], ["t3", "t5"]]
    assert page["next"] is None


async def test_pages_may_be_filtered(board: Board) -> None:
    for number in range(6):
        board.add_tickets(f"t{number}", state="open" if number % 2 else "closed")
    serve(board)
    async with board.connected() as peer:
        pages = await read_all(peer, where={"state": "open"}, limit=2)
    assert pages == [["t1", "t3"], ["t5"]]


async def test_a_cursor_belongs_to_its_order(board: Board) -> None:
    add_some(board)
    serve(board)
    async with board.connected() as peer:
        _, page = await read_page(peer, order=["points"], limit=1)
        reply = await peer.ask({**TICKET, "order": ["-points"], "limit": 1, "after": page["next"]})
        assert "cursor" in reply.error


async def test_pages_may_be_ordered_by_what_does_not_travel(board: Board) -> None:
    for version in (3, 1, 2):
        board.add_tickets(f"v{version}", version=version)
    serve(board, default_ordering=["-version"])
    async with board.connected() as peer:
        assert await read_all(peer, limit=2) == [["v3", "v2"], ["v1"]]


async def test_a_page_is_never_longer_than_the_handler_allows(board: Board) -> None:
    add_some(board)
    serve(board, max_page_size=2)
    assert "2" in (await board.ask({**TICKET, "limit": 3})).error
    assert len(await titles(board, limit=2)) == 2


async def test_who_asks_for_no_page_gets_one_where_the_handler_says_so(board: Board) -> None:
    add_some(board)
    serve(board, page_size=2)
    assert await titles(board) == ["apple", "Banana"]
    async with board.connected() as peer:
        found, _ = await read_page(peer, limit=3)
    assert len(found) == 3


async def test_many_rows_are_created_changed_and_deleted_at_once(board: Board) -> None:
    board.handler()
    new = [ticket(title=f"t{number}") for number in range(200)]
    made = (await board.ask(TICKET, new)).tuples
    assert [row["id"] for row in made] == list(range(1, 201))
    changed = [ticket(id=row["id"], points=row["id"]) for row in made]
    assert (await board.ask(TICKET, changed)).result is True
    assert [row["points"] for row in board.database.rows()] == list(range(1, 201))
    await board.ask({**TICKET, "delete": True}, made[10:])
    assert len(board.titles()) == 10


@pytest.mark.parametrize(
    "values",
    [
        ["x", "1"],
        ["1", "x"],
        [None, None],
        [1, 1],
        [2**70, 1],
        [float("nan"), "1"],
        [b"\0", b"1"],
        ["\0", "1"],
        ["\ud800", "1"],
        [datetime.date(2024, 1, 1), "1"],
        [True, False],
        [Decimal("sNaN"), "1"],
    ],
)
async def test_a_cursor_that_a_peer_makes_up_breaks_nothing(
    board: Board, values: list[Any]
) -> None:
    add_some(board)
    serve(board)
    text = CODEC.encode_json(CODEC.encode_value(["points,id", values], NATIVE), NATIVE)
    after = base64.urlsafe_b64encode(text).decode()
    reply = await board.ask({**TICKET, "order": "points", "limit": 2, "after": after})
    if reply.result is not None:
        assert "is no cursor of this list - at `filt.after`" in reply.error


async def test_pages_keep_their_place_while_the_last_row_changes(board: Board) -> None:
    for number in range(6):
        board.add_tickets(f"t{number}", points=10 * number)
    serve(board)
    keys = {"order": ["points"], "limit": 2}
    async with board.connected() as peer:
        _, page = await read_page(peer, **keys)
        board.database.execute("UPDATE crud_ticket SET points = 999 WHERE title = 't1'")
        second, page = await read_page(peer, **keys, after=page["next"])
    assert second == ["t2", "t3"]
