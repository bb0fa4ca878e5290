"""Numbers that are none, and those that no column has room for."""

from decimal import Decimal
from typing import Any

import pytest

from tests.crud.boards import TICKET, Board, ticket

STRANGE = [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1e400")]


@pytest.mark.parametrize("name", ["price", "price__lt", "price__in"])
@pytest.mark.parametrize("number", STRANGE, ids=str)
async def test_filtering_by_one_finds_nothing_or_is_refused(
    board: Board, name: str, number: Decimal
) -> None:
    board.add_tickets("a", price=Decimal("1.5"))
    board.handler(filters=["price", "price__lt", "price__in"], retrieve_all=True)
    value: Any = [number] if name.endswith("in") else number
    reply = await board.ask({**TICKET, "where": {name: value}})
    if not reply.is_success:
        assert reply.result["error"] == "validation"
    elif name != "price__lt":
        assert reply.tuples == []


@pytest.mark.parametrize("number", [one for one in STRANGE if not one.is_qnan()], ids=str)
async def test_saving_one_is_refused(board: Board, number: Decimal) -> None:
    board.add_tickets("a", price=Decimal("1.5"))
    board.handler()
    before = board.database.everything()
    for saved in (ticket(id=1, price=number), ticket(title="b", price=number)):
        reply = await board.ask(TICKET, [saved])
        assert reply.result["error"] == "validation"
    assert board.database.everything() == before
