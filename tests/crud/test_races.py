"""Two messages are served at the same time: both have read the row before either writes."""

import asyncio
from typing import Any

import pytest

from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from tests.crud.asking import Record, Reply
from tests.crud.boards import ANN, BOB, TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

FIELDS = ["id", "title", "points", "version"]
DELETE = {**TICKET, "delete": True}


class Meeting(CrudExtension):
    """Lets the first two go on when both are here; who comes again is not held up."""

    def __init__(self) -> None:
        self._barrier = asyncio.Barrier(2)
        self.count = 0

    async def before_create(self, context: Context, change: Change) -> None:
        await self._meet()

    async def before_update(self, context: Context, change: Change) -> None:
        await self._meet()

    async def before_delete(self, context: Context, row: Any) -> None:
        await self._meet()

    async def _meet(self) -> None:
        self.count += 1
        if self.count <= 2:
            await asyncio.wait_for(self._barrier.wait(), 60)


async def ask_both(board: Board, *questions: Any) -> list[Reply]:
    """Ask as Ann and as Bob at once; give what went well first."""
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        asking = [peer.ask(*one) for peer, one in zip((ann, bob), questions, strict=True)]
        replies = await asyncio.gather(*asking)
    return sorted(replies, key=lambda reply: not reply.is_success)


async def test_one_of_two_saves_gets_what_the_other_has_stored(board: Board) -> None:
    board.add_tickets("a")
    meeting = Meeting()
    board.handler(fields=FIELDS, version_field="version", extensions=[meeting])
    stored, conflict = await ask_both(
        board,
        (TICKET, [ticket(id=1, title="by Ann", version=1)]),
        (TICKET, [ticket(id=1, title="by Bob", version=1)]),
    )
    assert meeting.count == 2, "the one that began again saw the change before its hooks"
    assert stored.result is True
    assert conflict.result["error"] == "conflict"
    assert conflict.tuples == stored.tuples
    [row] = board.database.rows()
    assert (row["title"], row["version"]) == (stored.tuples[0]["title"], 2)


@pytest.mark.parametrize("first", ["save", "delete"])
async def test_a_row_is_either_saved_or_deleted(board: Board, first: str) -> None:
    board.add_tickets("a")
    board.handler(fields=FIELDS, version_field="version", extensions=[Meeting()])
    questions = [
        (TICKET, [ticket(id=1, title="b", version=1)]),
        (DELETE, [ticket(id=1, version=1)]),
    ]
    done, failed = await ask_both(board, *(questions if first == "save" else questions[::-1]))
    assert done.result is True
    assert not failed.is_success
    assert "could not answer" not in str(failed.result)
    if done.filt == DELETE:
        assert board.database.rows() == []
    else:
        assert failed.result["error"] == "conflict"
        assert board.titles() == ["b"]


async def test_without_versions_both_are_stored_one_after_the_other(board: Board) -> None:
    board.add_tickets("a")
    board.handler(extensions=[Meeting()])
    replies = await ask_both(
        board, (TICKET, [ticket(id=1, title="b")]), (TICKET, [ticket(id=1, points=9)])
    )
    assert [reply.result for reply in replies] == [True, True]
    [row] = board.database.rows()
    assert (row["title"], row["points"]) == ("b", 9)


async def test_what_is_unique_is_stored_once_and_nothing_beside_the_other(board: Board) -> None:
    names = {"fields": ["id", "name"], "type_name": "board.Project"}
    board.handler(board.Project, extensions=[Meeting()], **names)

    def rows(other: str) -> list[Record]:
        return [Record("board.Project", name=name) for name in (other, "one")]

    stored, refused = await ask_both(board, (TICKET, rows("a")), (TICKET, rows("b")))
    assert stored.result is True
    assert [error["index"] for error in refused.result["errors"]] == [1]
    kept = [row["name"] for row in board.database.rows("project")]
    assert kept == [row["name"] for row in stored.tuples]
