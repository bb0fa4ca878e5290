"""Hooks that would end the server, or whose cancellation looks like that of the request."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from tests.crud.boards import ANN, BOB, TICKET, Board, ticket
from tests.support.waiting import eventually

ROW = {**TICKET, "id": 1}
BOTH = [ticket(id=1, title="x"), ticket(id=2, title="x")]


async def leave() -> None:
    sys.exit("enough")


async def wait_for_nothing() -> None:
    task = asyncio.ensure_future(asyncio.sleep(0))
    task.cancel()
    await task


class Fragile(CrudExtension):
    """Fails in one of its hooks.

    Args:
        fail: How.
        where: In which.
    """

    def __init__(self, fail: Callable[[], Awaitable[None]], where: str) -> None:
        self.fail = fail
        self.where = where
        self.committed = 0
        self.pushed = 0

    async def before_update(self, context: Context, change: Change) -> None:
        if self.where == "before":
            await self.fail()

    async def after_update_commit(self, context: Context, row: Any) -> None:
        self.committed += 1
        if self.where == "after":
            await self.fail()

    async def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
        if self.where == "push" and context.request.is_push:
            self.pushed += 1
            if self.pushed == 1:
                await self.fail()


every_way = pytest.mark.parametrize("fail", [leave, wait_for_nothing])


@every_way
async def test_before_the_commit_nothing_is_done(board: Board, fail: Any) -> None:
    board.add_tickets("a", "b")
    board.handler(extensions=[Fragile(fail, "before")])
    reply = await board.ask(TICKET, BOTH)
    assert reply.error.startswith("The server could not answer (ref ")
    assert board.titles() == ["a", "b"]


@every_way
async def test_after_the_commit_nobody_is_told_that_nothing_was_done(
    board: Board, fail: Any, caplog: pytest.LogCaptureFixture
) -> None:
    board.add_tickets("a", "b")
    fragile = Fragile(fail, "after")
    board.handler(extensions=[fragile])
    assert (await board.ask(TICKET, BOTH)).result is True
    assert (board.titles(), fragile.committed) == (["x", "x"], 2)
    assert "failed after the commit" in caplog.text


@every_way
async def test_pushes_go_on(board: Board, fail: Any, caplog: pytest.LogCaptureFixture) -> None:
    board.add_tickets("a", "b")
    fragile = Fragile(fail, "push")
    board.handler(extensions=[fragile], push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(ROW)
        await eventually(lambda: "failed for a peer" in caplog.text, "the failure")
        await bob.save(TICKET, BOTH)
        assert [row["title"] for row in (await ann.receive(ROW)).tuples] == ["x"]
