"""Very much at once: it is refused with a short text, or done with few statements."""

from typing import Any

import pytest

from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Record
from tests.crud.boards import TICKET, Board, ticket

MANY = 10_000
LONG = "x" * 100_000


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
@pytest.mark.parametrize(
    "fields",
    [{"state": LONG}, {LONG: 1}, {"title": LONG}, {f"f{n}": 1 for n in range(50)}, {"id": 77}],
    ids=["choice", "name", "length", "names", "missing"],
)
async def test_the_answer_to_thousands_of_mistakes_is_short(
    board: Board, dialect: Dialect, fields: dict[str, Any]
) -> None:
    board.handler(max_tuples=MANY)
    count = 20 if LONG in (*fields, *fields.values()) else 2000
    tuples = [ticket(**{"title": "a", **fields}) for _ in range(count)]
    reply = await board.ask(TICKET, tuples, dialect=dialect)
    assert not reply.is_success
    assert len(reply.text) < 60_000
    text = reply.result if dialect is Dialect.D2 else reply.result["text"]
    assert len(text) < 10_000
    assert text.startswith("Tuple 0, field ")
    if count > 20:
        assert text.endswith(" more")


async def test_the_most_tuples_are_saved_read_and_deleted(board: Board) -> None:
    board.handler(max_tuples=MANY, retrieve_all=True, fields=["title", "points"])
    saved = await board.ask(TICKET, [ticket(title=f"t{n}") for n in range(1200)])
    assert saved.result is True
    with board.noted() as statements:
        again = await board.ask(TICKET, saved.tuples)
    assert again.tuples == saved.tuples
    assert len([one for one in statements if one.startswith("SELECT")]) <= 6
    with board.noted() as statements:
        assert (await board.ask({**TICKET, "delete": True}, saved.tuples)).result is True
    assert len([one for one in statements if one.startswith("SELECT")]) <= 4
    assert board.titles() == []


async def test_one_tuple_more_than_allowed_is_refused(board: Board) -> None:
    board.handler(max_tuples=3)
    tuples = [ticket(title="a") for _ in range(4)]
    for filt in ({}, {"delete": True}):
        reply = await board.ask({**TICKET, **filt}, tuples)
        assert "4 tuples are more than the 3 taken at once" in reply.error
    assert board.titles() == []


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
async def test_values_that_are_too_deep_are_refused(board: Board, dialect: Dialect) -> None:
    board.handler()
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    reply = await board.ask(TICKET, [ticket(title=deep)], dialect=dialect)
    assert "deep" in reply.error
    assert len(reply.text) < 2000
    assert board.titles() == []


async def test_a_long_list_to_filter_by_is_refused(board: Board) -> None:
    board.add_tickets("a", points=5)
    board.handler(retrieve_all=True, filters=["points__in"])
    found = await board.ask({**TICKET, "where": {"points__in": list(range(1000))}})
    assert [row["title"] for row in found.tuples] == ["a"]
    reply = await board.ask({**TICKET, "where": {"points__in": list(range(2000))}})
    assert "at most 1000" in reply.error


@pytest.mark.parametrize("unsaved", [{}, {"id": None}, {"id": ""}])
async def test_deleting_what_was_never_saved_is_done_at_once(
    board: Board, unsaved: dict[str, Any]
) -> None:
    """There is nothing to delete, as with a row that is gone; the row of the filt is not meant."""
    board.add_tickets("a")
    board.handler()
    reply = await board.ask({**TICKET, "delete": True, "id": 1}, [ticket(**unsaved, title="a")])
    assert (reply.result, reply.tuples) == (True, [])
    assert board.titles() == ["a"]


async def test_deleting_half_a_key_deletes_nothing(board: Board) -> None:
    board.database.add("seat", row="A", number=1)
    board.handler(board.Seat, fields=["guest"], type_name="board.Seat")
    before = board.database.everything()
    reply = await board.ask({**TICKET, "delete": True}, [Record("board.Seat", row="A")])
    assert reply.result is True
    assert board.database.everything() == before
