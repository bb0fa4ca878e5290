"""Many peers with long lists, and many commits: what that costs in transactions and encodings."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest

from django_vortex.orm.crud.load_reader import LoadReader
from django_vortex.orm.crud.pushes import PUSHES_PER_TURN
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.wire.codec import Codec
from tests.crud.boards import BOB, TICKET, Board, User, ticket

PEERS = 2 * PUSHES_PER_TURN + 20
COMMITS = 10


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something was done, by the name of the method."""
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            counts[name] += 1
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, counted)

    count(LoadReader, "read")
    count(Codec, "encode_payload")
    count(PayloadIO, "push")
    return counts


class Ticking:
    """Something else that the loop has to do; notes how many pushes it had to wait for."""

    def __init__(self, counts: Counter[str]) -> None:
        self.waits: list[int] = []
        self._counts = counts

    async def run(self) -> None:
        before = self._counts["push"]
        while True:
            await asyncio.sleep(0)
            self.waits.append(self._counts["push"] - before)
            before = self._counts["push"]


@contextmanager
def ticking(counts: Counter[str]) -> Iterator[Ticking]:
    ticking = Ticking(counts)
    task = asyncio.ensure_future(ticking.run())
    yield ticking
    task.cancel()


ON_SQLITE = ["django-sqlite", "sqlalchemy-sqlite", "async-sqlite"]


@pytest.mark.parametrize("place", ON_SQLITE, indirect=True)
async def test_a_storm_costs_as_much_as_its_bursts(board: Board, counts: Counter[str]) -> None:
    board.add_tickets(*map(str, range(100)))
    handler = board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(BOB) as bob:
        async with AsyncExitStack() as stack:
            peers = [
                await stack.enter_async_context(board.connected(User(pk))) for pk in range(PEERS)
            ]
            for peer in peers:
                assert len((await peer.ask(TICKET)).tuples) == 100
            assert len(handler.pushes.loads) == PEERS
            counts.clear()
            with ticking(counts) as other_work:
                for number in range(COMMITS):
                    saving = {**TICKET, "limit": 1}
                    assert (await bob.save(saving, [ticket(id=1, title=f"{number}")])).result
                await handler.pushes._task
            assert counts["read"] <= COMMITS
            # What is read is compared, and pushed as columns and as rows; each save is answered.
            assert counts["encode_payload"] <= 3 * counts["read"] + COMMITS
            assert PEERS <= counts["push"] <= PEERS * counts["read"]
            assert max(other_work.waits) <= PUSHES_PER_TURN
            for peer in peers:
                assert peer.peer.unread[-1].tuples[0].title == f"{COMMITS - 1}"
        assert len(handler.pushes.loads) == 0
        assert handler.pushes._stale == handler.pushes._reading == {}
