"""Rows that are sent unasked: by the application, and after each commit to who has loaded them."""

from typing import Any

from tests.crud.boards import ANN, BOB, TICKET, Board, ticket


def pushed(peer: Any) -> list[Any]:
    """Take what came unasked: filt and titles."""
    return [(reply.filt, [row["title"] for row in reply.tuples]) for reply in peer.take()]


async def settle(handler: Any, *arguments: Any, **options: Any) -> None:
    """Send an update and wait until it has gone out."""
    import asyncio

    await asyncio.wait_for(asyncio.wrap_future(handler.send_model_update(*arguments, **options)), 5)


async def test_a_row_is_pushed_to_everybody(board: Board) -> None:
    board.add_tickets("a", "b")
    handler = board.handler()
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await settle(handler, 2)
        assert pushed(ann) == pushed(bob) == [({**TICKET, "id": 2}, ["b"])]


async def test_a_row_is_pushed_to_one_peer_or_user(board: Board) -> None:
    board.add_tickets("a")
    handler = board.handler()
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await settle(handler, 1, to_peer=bob.peer.uuid)
        assert (len(pushed(ann)), len(pushed(bob))) == (0, 1)
        await settle(handler, 1, to_user=ANN)
        assert (len(pushed(ann)), len(pushed(bob))) == (1, 0)


async def test_a_row_that_is_gone_is_pushed_as_nothing(board: Board) -> None:
    handler = board.handler()
    async with board.connected() as peer:
        await settle(handler, 99)
        assert pushed(peer) == [({**TICKET, "id": 99}, [])]


async def test_who_loaded_a_row_gets_it_after_each_commit(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler(push_on_commit=True)
    async with (
        board.connected(ANN) as ann,
        board.connected(BOB) as bob,
        board.connected() as other,
    ):
        await ann.ask({**TICKET, "id": 1})
        await other.ask({**TICKET, "id": 2})
        assert (await bob.ask(TICKET, [ticket(id=1, title="A")])).result is True
        received = await ann.peer.receive({**TICKET, "id": 1})
        assert received.tuples[0].title == "A"
        assert pushed(other) == []


async def test_who_loaded_a_row_is_told_when_it_is_deleted(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask({**TICKET, "id": 1})
        await bob.ask({**TICKET, "id": 1, "delete": True})
        received = await ann.peer.receive({**TICKET, "id": 1})
        assert received.tuples == []


async def test_nothing_is_pushed_of_what_was_undone(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask({**TICKET, "id": 1})
        await bob.ask(TICKET, [ticket(id=1, title="A"), ticket(title=None)])
        await bob.ask(TICKET, [ticket(id=1, title="B")])
        received = await ann.peer.receive({**TICKET, "id": 1})
        assert received.tuples[0].title == "B"
        assert pushed(ann) == []


async def test_nothing_is_pushed_unless_the_handler_says_so(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask({**TICKET, "id": 1})
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        assert pushed(ann) == []


async def test_a_push_shows_no_row_to_who_may_not_see_it_any_more(board: Board) -> None:
    board.add_tickets("a", owner_id=ANN.pk)
    board.handler(
        push_on_commit=True,
        get_queryset=lambda request: board.owned(request.user.pk),
        fields=["id", "title", "owner_id"],
    )
    async with board.connected(ANN) as first, board.connected(ANN) as second:
        await first.ask({**TICKET, "id": 1})
        await second.ask(TICKET, [ticket(id=1, title="Bobs", owner_id=BOB.pk)])
        await second.ask(TICKET, [ticket(title="mine", owner_id=ANN.pk)])
        assert "Bobs" not in [title for _, titles in pushed(first) for title in titles]
