"""What is wrong comes back by the index of the tuple and the field."""

from typing import Any

import pytest

from django_vortex.wire.dialects import Dialect
from tests.crud.boards import TICKET, Board, ticket

LONG = "x" * 41


def find_wrong(reply: Any) -> list[tuple[int, str]]:
    """Return index and field of each error of a structured result."""
    assert reply.result["error"] == "validation"
    assert all(error["messages"] for error in reply.result["errors"])
    assert all(isinstance(text, str) for one in reply.result["errors"] for text in one["messages"])
    return sorted((error["index"], error["field"]) for error in reply.result["errors"])


async def test_all_mistakes_of_a_message_are_told_at_once(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    before = board.database.everything()
    tuples = [
        ticket(title=LONG, state="lost"),
        ticket(title="fine"),
        ticket(id=1, title=None),
    ]
    reply = await board.ask(TICKET, tuples)
    assert find_wrong(reply) == [(0, "state"), (0, "title"), (2, "title")]
    assert board.database.everything() == before


@pytest.mark.parametrize(
    ("field", "value"), [("points", "5"), ("title", 5), ("due", "soon"), ("id", "x")]
)
async def test_a_value_of_a_wrong_type_is_told_by_field(
    board: Board, field: str, value: Any
) -> None:
    board.add_tickets("a")
    board.handler()
    before = board.database.everything()
    wrong = {"id": 1, field: value}
    reply = await board.ask(TICKET, [ticket(title="fine"), ticket(**wrong)])
    assert find_wrong(reply) == [(1, field)]
    assert reply.result["text"].endswith(f"at `$.tuples[1].{field}`")
    assert board.database.everything() == before
    told = await board.ask(TICKET, [ticket(title="fine"), ticket(**wrong)], dialect=Dialect.D2)
    assert told.result.endswith(f"at `$.tuples[1].{field}`")


@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D2])
async def test_released_clients_get_a_readable_text(board: Board, dialect: Dialect) -> None:
    board.handler()
    reply = await board.ask(TICKET, [ticket(title="a"), ticket(title=LONG)], dialect=dialect)
    assert isinstance(reply.result, str)
    assert "title" in reply.result
    assert "1" in reply.result
    assert board.titles() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", None),
        ("title", LONG),
        ("title", "forbidden"),
        ("state", "lost"),
    ],
)
@pytest.mark.parametrize("key", [{}, {"id": 1}])
async def test_a_value_that_the_model_refuses_is_told(
    board: Board, field: str, value: Any, key: dict[str, Any]
) -> None:
    board.add_tickets("a")
    board.handler()
    before = board.database.everything()
    reply = await board.ask(TICKET, [ticket(**{"title": "b", **key, field: value})])
    assert find_wrong(reply) == [(0, field)]
    assert board.database.everything() == before


@pytest.mark.parametrize("field", ["state", "points"])
async def test_null_is_refused_by_a_row_and_the_default_by_a_new_one(
    board: Board, field: str
) -> None:
    """Released clients send null for whatever they have never set."""
    board.add_tickets("a")
    board.handler()
    before = board.database.everything()
    assert find_wrong(await board.ask(TICKET, [ticket(id=1, **{field: None})])) == [(0, field)]
    assert board.database.everything() == before
    assert (await board.ask(TICKET, [ticket(title="b", **{field: None})])).result is True
    assert [row["state"] for row in board.database.rows()] == ["open", "open"]
    assert [row["points"] for row in board.database.rows()] == [3, 3]


async def test_a_new_row_needs_what_has_no_default(board: Board) -> None:
    board.handler()
    reply = await board.ask(TICKET, [ticket(points=3)])
    assert find_wrong(reply) == [(0, "title")]
    assert board.titles() == []


async def test_only_what_changes_is_validated(board: Board) -> None:
    board.add_tickets("forbidden")
    board.handler()
    reply = await board.ask(TICKET, [ticket(id=1, points=9)])
    assert reply.result is True
    assert board.database.rows()[0]["points"] == 9


async def test_text_of_the_model_is_told(board: Board) -> None:
    board.handler()
    reply = await board.ask(TICKET, [ticket(title="forbidden")])
    assert reply.result["errors"] == [
        {"index": 0, "field": "title", "messages": ["This title is forbidden"]}
    ]


@pytest.mark.parametrize("points", [2**63, -(2**63) - 1, 10**30])
async def test_a_number_that_no_column_holds_is_told(board: Board, points: int) -> None:
    board.handler()
    reply = await board.ask(TICKET, [ticket(title="a", points=points)])
    assert find_wrong(reply) == [(0, "points")]
    assert board.titles() == []


@pytest.mark.parametrize("points", [2**31, -(2**31) - 1])
async def test_a_number_is_stored_as_it_is_or_told(board: Board, points: int) -> None:
    """SQLite has no columns of 32 bits; who knows that may use it."""
    board.handler()
    reply = await board.ask(TICKET, [ticket(title="a", points=points)])
    if reply.result is True:
        assert [row["points"] for row in board.database.rows()] == [points]
        assert not board.database.is_postgres
    else:
        assert reply.result["errors"][0]["index"] == 0
        assert board.titles() == []
