"""What a tuple does not carry is not touched, and who may choose keys."""

import datetime

from tests.crud.boards import FIELDS, TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

JUNE = datetime.date(2024, 6, 1)


async def test_fields_that_are_absent_keep_their_values(board: Board) -> None:
    board.add_tickets("a", points=8, state="closed", due=JUNE, secret="s", owner_id=7)
    board.handler()
    [before] = board.database.rows()
    reply = await board.ask(TICKET, [ticket(id=1, title="b")])
    assert board.database.rows() == [{**before, "title": "b"}]
    assert reply.tuples == [ticket(id=1, title="b", state="closed", points=8, due=JUNE, price=None)]


async def test_null_is_a_value(board: Board) -> None:
    board.add_tickets("a", due=JUNE, points=8)
    board.handler()
    await board.ask(TICKET, [ticket(id=1, due=None)])
    [row] = board.database.rows()
    assert (row["due"], row["points"]) == (None, 8)


async def test_a_tuple_with_nothing_but_its_id_changes_nothing(board: Board) -> None:
    board.add_tickets("a", points=8)
    board.handler()
    before = board.database.everything()
    reply = await board.ask(TICKET, [ticket(id=1)])
    assert (reply.result, reply.tuples[0]["points"]) == (True, 8)
    assert board.database.everything() == before


async def test_a_new_row_gets_the_defaults_of_what_is_absent(board: Board) -> None:
    board.handler()
    await board.ask(TICKET, [ticket(title="a")])
    [row] = board.database.rows()
    assert (row["points"], row["state"], row["secret"], row["version"]) == (3, "open", "", 1)


async def test_rows_of_one_message_may_carry_different_fields(board: Board) -> None:
    board.add_tickets("a", "b", points=8)
    board.handler()
    await board.ask(TICKET, [ticket(id=1, points=1), ticket(id=2, title="B")])
    assert [(row["title"], row["points"]) for row in board.database.rows()] == [("a", 1), ("B", 8)]


async def test_what_others_changed_meanwhile_is_kept(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    async with board.connected() as ann, board.connected() as bob:
        await ann.ask({**TICKET, "id": 1})
        await bob.ask(TICKET, [ticket(id=1, points=5)])
        reply = await ann.ask(TICKET, [ticket(id=1, title="b")])
    assert (reply.tuples[0]["title"], reply.tuples[0]["points"]) == ("b", 5)


async def test_a_row_is_not_inserted_under_an_id_that_a_peer_chose(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    before = board.database.everything()
    reply = await board.ask(TICKET, [ticket(id=41, title="b")])
    assert "41" in reply.error
    assert reply.tuples == []
    assert board.database.everything() == before


async def test_it_is_where_the_handler_allows_it(board: Board) -> None:
    board.handler(client_keys=True)
    reply = await board.ask(TICKET, [ticket(id=41, title="b")])
    assert (reply.result, reply.tuples[0]["id"], reply.tuples[0]["points"]) == (True, 41, 3)
    reply = await board.ask(TICKET, [ticket(id=41, title="c")])
    assert (reply.result, reply.tuples[0]["points"]) == (True, 3)
    assert [(row["id"], row["title"]) for row in board.database.rows()] == [(41, "c")]


async def test_the_id_travels_although_it_is_not_named(board: Board) -> None:
    board.add_tickets("a")
    board.handler(fields=["title"])
    [row] = (await board.ask({**TICKET, "id": 1})).tuples
    assert row == ticket(id=1, title="a")


async def test_two_tuples_of_one_row_are_both_applied(board: Board) -> None:
    board.add_tickets("a")
    board.handler(fields=FIELDS)
    reply = await board.ask(TICKET, [ticket(id=1, title="b"), ticket(id=1, points=9)])
    assert reply.result is True
    [row] = board.database.rows()
    assert (row["title"], row["points"]) == ("b", 9)
