"""How many statements what is asked for takes, whatever the number of rows."""

from collections import Counter
from typing import Any

import pytest

from tests.crud.boards import TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

ROWS = 20


def count(statements: list[str]) -> dict[str, int]:
    """Return how many there are of each kind; what begins and ends a transaction is none."""
    kinds = Counter(one.split()[0].upper() for one in statements)
    return {kind: kinds[kind] for kind in ("SELECT", "INSERT", "UPDATE", "DELETE") if kinds[kind]}


@pytest.fixture
def filled(board: Board) -> Board:
    board.add_tickets(*(f"t{number}" for number in range(ROWS)))
    return board


@pytest.mark.parametrize("filt", [{}, {"id": 5}, {"limit": 10}, {"where": {"state": "open"}}])
async def test_rows_are_retrieved_by_one(filled: Board, filt: dict[str, Any]) -> None:
    filled.handler(retrieve_all=True, filters=["state"])
    with filled.noted() as statements:
        assert (await filled.ask({**TICKET, **filt})).tuples
    assert count(statements) == {"SELECT": 1}


@pytest.mark.parametrize("changed", [0, 1, ROWS])
async def test_a_save_takes_two_and_one_for_each_row_that_changes(
    filled: Board, changed: int
) -> None:
    filled.handler(retrieve_all=True)
    rows = (await filled.ask()).tuples
    for row in rows[:changed]:
        row.fields["title"] += " changed"
    with filled.noted() as statements:
        assert (await filled.ask(TICKET, rows)).result is True
    found = count(statements)
    assert found.pop("UPDATE", 0) == changed
    assert found in ({"SELECT": 1}, {"SELECT": 2})
    assert filled.titles() == [row["title"] for row in rows]


async def test_a_version_takes_no_statement_more(filled: Board) -> None:
    filled.handler(fields=["title", "version"], version_field="version", retrieve_all=True)
    rows = (await filled.ask()).tuples
    for row in rows[5:]:
        row.fields["title"] += " changed"
    with filled.noted() as statements:
        assert (await filled.ask(TICKET, rows)).result is True
    found = count(statements)
    assert found.pop("UPDATE") == ROWS - 5
    assert found in ({"SELECT": 1}, {"SELECT": 2})


async def test_new_rows_take_one_each(board: Board) -> None:
    board.handler()
    with board.noted() as statements:
        saved = await board.ask(TICKET, [ticket(title=f"t{number}") for number in range(ROWS)])
    assert len(saved.tuples) == ROWS
    found = count(statements)
    assert found.get("SELECT", 0) <= 2
    assert found["INSERT"] <= ROWS


async def test_what_is_deleted_is_looked_up_at_once(filled: Board) -> None:
    filled.handler()
    with filled.noted() as statements:
        await filled.ask({**TICKET, "delete": True}, [ticket(id=n + 1) for n in range(ROWS)])
    found = count(statements)
    assert found["SELECT"] <= 2
    assert found["DELETE"] <= ROWS
    assert filled.titles() == []
