"""Peers that leave and servers that stop in the middle of a save: all of it is done, or nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from django_vortex.transports.threads import BlockingPool
from tests.crud.boards import ANN, BOB, TICKET, Board, ticket
from tests.crud.test_failing_databases import pooled
from tests.crud.test_pushes import get_watching

ROW = {**TICKET, "id": 1}
BOTH = [ticket(id=1, title="x"), ticket(id=2, title="x")]


class Diary(CrudExtension):
    """Has a hook of either kind, and notes what was committed."""

    def __init__(self) -> None:
        self.committed: list[str] = []

    async def before_update(self, context: Context, change: Change) -> None:
        await asyncio.sleep(0)

    async def after_update_commit(self, context: Context, row: Any) -> None:
        await asyncio.sleep(0)
        self.committed.append(row.title)


@asynccontextmanager
async def in_one_thread(board: Board) -> AsyncIterator[None]:
    """Have what is plain run one after another, so that a test can wait for the end of all."""
    if board.is_django:  # it has one already
        yield
        return
    board.pool = pool = BlockingPool(1, "leaving")
    yield
    pool.stop()


async def settle(board: Board) -> None:
    """Wait for all that was begun, also by who has gone."""
    await board.payload_io.background.wait()
    await board.pool.run_sync(bool)


@pytest.mark.parametrize("turns", [0, 1, 3, 6, 12, 18, 25, 32, 40, 60])
@pytest.mark.parametrize("is_followed", [False, True], ids=["plain", "followed"])
async def test_who_leaves_has_saved_all_or_nothing(
    board: Board, turns: int, is_followed: bool
) -> None:
    board.add_tickets("a", "b")
    diary = Diary()
    async with pooled(board, size=4) as options, in_one_thread(board):
        if is_followed:
            options |= {"extensions": [diary], "push_on_commit": True}
        board.handler(**options)
        async with board.connected(ANN) as ann:
            await ann.ask(ROW)
            async with board.connected(BOB) as bob:
                connection = bob.peer._get_connection()
                connection.receive(bob._write(TICKET, BOTH))
                [request] = connection.requests.tasks
                for _ in range(turns):
                    await asyncio.sleep(0)
            await asyncio.wait([request])
            await settle(board)
            titles = board.titles()
            assert titles in (["a", "b"], ["x", "x"])
            if is_followed:
                assert titles == ["x", "x"] or not turns, "what has begun is done"
                assert diary.committed == (["x", "x"] if turns else [])
            assert (await ann.save(TICKET, [ticket(id=1, title="y")])).result is True
            assert [row["title"] for row in (await ann.save({**TICKET, "id": 2}, [])).tuples] == [
                titles[1]
            ]
            await settle(board)


class Endless(CrudExtension):
    """Has a hook that never ends, and notes how it ended all the same."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.was_cancelled = False

    async def before_update(self, context: Context, change: Change) -> None:
        self.has_begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def test_a_server_that_stops_ends_a_hook_and_undoes_its_save(board: Board) -> None:
    board.add_tickets("a", "b")
    endless = Endless()
    async with pooled(board) as options, in_one_thread(board):
        board.handler(extensions=[endless], push_on_commit=True, **options)
        async with board.connected(ANN) as ann:
            connection = ann.peer._get_connection()
            connection.receive(ann._write(TICKET, BOTH))
            await asyncio.wait_for(endless.has_begun.wait(), 60)
            await connection._server.stop(0.01)
            await asyncio.wait_for(settle(board), 60)
            assert endless.was_cancelled
            assert board.titles() == ["a", "b"]


async def test_a_server_stops_while_pushes_are_read(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_reading = asyncio.Event()
    is_released = asyncio.Event()

    class Slow(CrudExtension):
        async def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
            if context.request.is_push:
                is_reading.set()
                await is_released.wait()

    board.add_tickets("a", "b")
    async with pooled(board) as options, in_one_thread(board):
        board.handler(extensions=[Slow()], push_on_commit=True, **options)
        async with board.connected(ANN) as ann, board.connected(BOB) as bob:
            await ann.ask(ROW)
            bob.peer._get_connection().receive(bob._write(TICKET, BOTH))
            await asyncio.wait_for(is_reading.wait(), 60)
            watching = get_watching(ann)
            await ann.peer._get_connection()._server.stop(0.01)
            await asyncio.wait_for(settle(board), 60)
        assert not watching.watches.watches
        assert board.titles() == ["x", "x"]
