"""What a message asks for, by its id, its delete and its tuples (PROTOCOL section 9)."""

import datetime
from decimal import Decimal
from typing import Any

import pytest

from django_vortex.orm.crud.model import CrudModel
from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Record
from tests.crud.boards import TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

JUNE = datetime.date(2024, 6, 1)

OLD_DIALECTS = [Dialect.D1, Dialect.D1B, Dialect.D2]


async def test_a_message_without_anything_gets_one_unsaved_row_with_its_defaults(
    board: Board,
) -> None:
    board.add_tickets("a")
    board.handler()
    reply = await board.ask()
    assert reply.result is None
    [new] = reply.tuples
    assert (new["id"], new["state"], new["points"], new["due"]) == (None, "open", 3, None)
    assert board.titles() == ["a"]


async def test_it_gets_all_rows_where_the_handler_retrieves_all(board: Board) -> None:
    board.add_tickets("a", "b", "c")
    board.handler(retrieve_all=True)
    reply = await board.ask()
    assert reply.result is None
    assert [row["title"] for row in reply.tuples] == ["a", "b", "c"]


async def test_no_tuples_are_as_no_payload(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    reply = await board.ask({**TICKET, "id": 1}, [])
    assert [row["title"] for row in reply.tuples] == ["a"]


async def test_an_id_retrieves_the_row_with_exactly_the_fields(board: Board) -> None:
    board.add_tickets("a", "b", due=JUNE, price=Decimal("9.50"), points=8, secret="s")
    board.handler()
    reply = await board.ask({**TICKET, "id": 2})
    assert reply.result is None
    assert reply.tuples == [
        ticket(id=2, title="b", state="open", points=8, due=JUNE, price=Decimal("9.50"))
    ]
    assert reply.filt == {**TICKET, "id": 2}


async def test_an_id_that_does_not_exist_retrieves_nothing(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    reply = await board.ask({**TICKET, "id": 99})
    assert (reply.result, reply.tuples) == (None, [])


@pytest.mark.parametrize("missing", [{}, {"id": None}, {"id": ""}])
async def test_a_tuple_without_id_is_inserted(board: Board, missing: dict[str, Any]) -> None:
    board.add_tickets("a")
    board.handler()
    reply = await board.ask(TICKET, [ticket(**missing, title="b", points=5, due=JUNE)])
    assert reply.result is True
    assert reply.tuples == [ticket(id=2, title="b", state="open", points=5, due=JUNE, price=None)]
    assert board.titles() == ["a", "b"]


async def test_a_tuple_with_id_is_updated(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler()
    reply = await board.ask(TICKET, [ticket(id=2, title="c", price=Decimal("1.25"))])
    assert reply.result is True
    assert [(row["id"], row["title"], row["price"]) for row in reply.tuples] == [
        (2, "c", Decimal("1.25"))
    ]
    assert board.titles() == ["a", "c"]


async def test_stored_rows_come_back_in_the_order_of_the_tuples(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler()
    tuples = [ticket(title="c"), ticket(id=2, title="B"), ticket(title="d"), ticket(id=1, points=9)]
    reply = await board.ask(TICKET, tuples)
    assert [(row["id"], row["title"]) for row in reply.tuples] == [
        (3, "c"),
        (2, "B"),
        (4, "d"),
        (1, "a"),
    ]
    assert board.titles() == ["a", "B", "c", "d"]


async def test_an_unsaved_row_is_filled_in_and_saved(board: Board) -> None:
    board.handler()
    [new] = (await board.ask()).tuples
    new.fields["title"] = "a"
    [stored] = (await board.ask(TICKET, [new])).tuples
    assert stored["id"] == 1
    assert (await board.ask({**TICKET, "id": 1})).tuples == [stored]


@pytest.mark.parametrize("delete", [True, 1])
async def test_delete_removes_the_rows_of_the_tuples(board: Board, delete: Any) -> None:
    board.add_tickets("a", "b", "c")
    board.handler()
    reply = await board.ask({**TICKET, "delete": delete}, [ticket(id=3), ticket(id=1, title="x")])
    assert (reply.result, reply.tuples) == (True, [])
    assert board.titles() == ["b"]


async def test_delete_without_tuples_removes_the_row_of_the_id(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler()
    reply = await board.ask({**TICKET, "id": 1, "delete": True})
    assert (reply.result, reply.tuples) == (True, [])
    assert board.titles() == ["b"]


async def test_delete_goes_by_the_tuples_before_the_id(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler()
    await board.ask({**TICKET, "id": 1, "delete": True}, [ticket(id=2)])
    assert board.titles() == ["a"]


async def test_deleting_what_is_not_there_is_no_failure(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler()
    reply = await board.ask({**TICKET, "delete": True}, [ticket(id=99), ticket(id=1)])
    assert (reply.result, reply.tuples) == (True, [])
    assert (await board.ask({**TICKET, "delete": True, "id": 99})).result is True
    assert board.titles() == ["b"]


@pytest.mark.parametrize("delete", ["true", False, None, 0, "", "yes", [True]])
async def test_delete_is_only_what_equals_true(board: Board, delete: Any) -> None:
    board.add_tickets("a")
    board.handler()
    reply = await board.ask({**TICKET, "id": 1, "delete": delete})
    assert reply.result is None
    assert [row["title"] for row in reply.tuples] == ["a"]


async def test_delete_gives_what_remains_where_the_handler_retrieves_all(board: Board) -> None:
    board.add_tickets("a", "b", "c")
    board.handler(retrieve_all=True)
    reply = await board.ask({**TICKET, "delete": True}, [ticket(id=2)])
    assert reply.result is True
    assert [row["title"] for row in reply.tuples] == ["a", "c"]


async def test_tuples_of_different_types_are_saved_in_one_message(board: Board) -> None:
    board.add_tickets("a")
    board.handler(
        board.Ticket,
        CrudModel(model=board.Project, fields=["id", "name"], type_name="board.Project"),
    )
    tuples = [Record("board.Project", name="p"), ticket(id=1, title="b"), ticket(title="c")]
    reply = await board.ask(TICKET, tuples)
    assert reply.result is True
    assert [(row.type_name, row["id"]) for row in reply.tuples] == [
        ("board.Project", 1),
        ("board.Ticket", 1),
        ("board.Ticket", 2),
    ]
    assert board.titles() == ["b", "c"]
    assert [row["name"] for row in board.database.rows("project")] == ["p"]


async def test_tuples_of_different_types_with_the_same_ids_are_deleted(board: Board) -> None:
    board.add_tickets("a", "b")
    board.database.add("project", name="p")
    board.database.add("project", name="q")
    board.handler(
        board.Ticket,
        CrudModel(model=board.Project, fields=["id", "name"], type_name="board.Project"),
    )
    await board.ask({**TICKET, "delete": True}, [Record("board.Project", id=1), ticket(id=2)])
    assert board.titles() == ["a"]
    assert [row["name"] for row in board.database.rows("project")] == ["q"]


async def test_rows_with_a_text_as_key_are_created_read_changed_and_deleted(board: Board) -> None:
    filt = {"key": "board.label"}
    board.handler(
        board.Label,
        filt=filt,
        fields=["code", "name"],
        type_name="board.Label",
        client_keys=True,
    )
    made = await board.ask(filt, [Record("board.Label", code="bug", name="Bug")])
    assert (made.result, made.tuples) == (True, [Record("board.Label", code="bug", name="Bug")])
    await board.ask(filt, [Record("board.Label", code="bug", name="Defect")])
    read = await board.ask({**filt, "id": "bug"})
    assert read.tuples == [Record("board.Label", code="bug", name="Defect")]
    assert (await board.ask({**filt, "id": "bug", "delete": True})).result is True
    assert board.database.rows("label") == []


async def test_rows_with_a_key_of_two_fields_are_created_read_changed_and_deleted(
    board: Board,
) -> None:
    filt = {"key": "board.seat"}
    board.handler(
        board.Seat,
        filt=filt,
        fields=["row", "number", "guest"],
        type_name="board.Seat",
        client_keys=True,
    )
    seats = [Record("board.Seat", row="A", number=n, guest=f"g{n}") for n in (1, 2)]
    assert (await board.ask(filt, seats)).tuples == seats
    changed = Record("board.Seat", row="A", number=2, guest="Ann")
    assert (await board.ask(filt, [changed])).result is True
    assert (await board.ask({**filt, "id": ["A", 2]})).tuples == [changed]
    assert (await board.ask({**filt, "id": ["B", 2]})).tuples == []
    assert (await board.ask({**filt, "delete": True}, [seats[0]])).result is True
    assert [row["guest"] for row in board.database.rows("seat")] == ["Ann"]


@pytest.mark.parametrize("dialect", OLD_DIALECTS)
async def test_released_clients_get_the_same(board: Board, dialect: Dialect) -> None:
    board.handler()
    new = ticket(id=None, title="a", state="open", points=3, due=None, price=None)
    saved = await board.ask(TICKET, [new], dialect=dialect)
    assert (saved.result, saved.tuples[0]["id"]) == (True, 1)
    read = await board.ask({**TICKET, "id": 1}, dialect=dialect)
    assert (read.result, read.tuples) == (None, saved.tuples)
    deleted = await board.ask({**TICKET, "delete": True}, read.tuples, dialect=dialect)
    assert (deleted.result, deleted.tuples) == (True, [])
    assert board.titles() == []
