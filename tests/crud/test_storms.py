"""Many peers with long lists, and many commits: what that costs in evaluations and encodings."""

from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from django_vortex.live.evaluator import Evaluator
from django_vortex.wire.codec import Codec
from tests.crud.boards import BOB, TICKET, Board, User, ticket
from tests.crud.test_pushes import current, get_watching

PEERS = 120
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

    count(Evaluator, "_make_answer")
    count(Codec, "encode_rows")
    count(Codec, "encode_payload")
    return counts


ON_SQLITE = ["django-sqlite", "sqlalchemy-sqlite", "async-sqlite"]


@pytest.mark.parametrize("place", ON_SQLITE, indirect=True)
async def test_a_storm_costs_as_much_as_its_bursts(board: Board, counts: Counter[str]) -> None:
    board.add_tickets(*map(str, range(100)))
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(BOB) as bob:
        watching = get_watching(bob)
        async with AsyncExitStack() as stack:
            peers = [
                await stack.enter_async_context(board.connected(User(pk))) for pk in range(PEERS)
            ]
            for peer in peers:
                assert len((await peer.ask(TICKET)).tuples) == 100
            assert len(watching.subscriptions) == PEERS
            await current(bob)
            counts.clear()
            for number in range(COMMITS):
                saving = {**TICKET, "limit": 1}
                assert (await bob.save(saving, [ticket(id=1, title=f"{number}")])).result
            await current(bob)
            assert 0 < counts["_make_answer"] <= COMMITS
            # What is evaluated is encoded once for all who are shown it; each save is answered.
            assert counts["encode_rows"] <= counts["_make_answer"] + COMMITS
            assert counts["encode_payload"] <= counts["_make_answer"] + COMMITS
            for peer in peers:
                assert peer.peer.unread[-1].tuples[0].title == f"{COMMITS - 1}"
        assert not watching.subscriptions
        assert not watching.watches.watches
