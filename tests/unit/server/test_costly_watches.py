"""Watches that cost much: evaluations that never end, and more of them than a peer may have."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from django_vortex.routing.request import Request
from django_vortex.testing.peer import WAIT_SECONDS
from tests.support.waiting import eventually
from tests.unit.server.test_watching import World, see, watch

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def a_world(**options: Any) -> AsyncIterator[World]:
    world = World(**options)
    try:
        yield world
    finally:
        await world.server.stop(1.0)


async def test_evaluation_that_never_ends_is_an_error_and_begun_once() -> None:
    may_end = threading.Event()
    begun: list[int] = []

    def hang(request: Request) -> list[Any]:
        begun.append(0)
        assert may_end.wait(WAIT_SECONDS)
        return ["at last"]

    async with a_world(evaluation_seconds=0.2) as world:
        world.add("test.hangs", hang)
        async with world.peer() as peer, world.peer() as other:
            name = await watch(peer, "test.hangs")
            failed = await see(peer, name)
            assert failed.result["error"] == "timeout"
            assert "ended" not in failed.filt
            again = await watch(other, "test.hangs")
            assert (await see(other, again)).result["error"] == "timeout"
            await asyncio.sleep(0)
            assert len(begun) == 1
            may_end.set()
            assert (await see(peer, name)).tuples == ["at last"]
            assert (await see(other, again)).tuples == ["at last"]
            assert len(begun) >= 2


async def test_async_evaluation_that_never_ends_is_cancelled_and_tried_again() -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def hang(request: Request) -> list[Any]:
        begun.append(0)
        try:
            if len(begun) == 1:
                await asyncio.Event().wait()
        finally:
            ended.append(0)
        return ["at last"]

    async with a_world(evaluation_seconds=0.2) as world:
        world.add("test.hangs", hang)
        async with world.peer() as peer:
            name = await watch(peer, "test.hangs")
            assert (await see(peer, name)).result["error"] == "timeout"
            assert (await see(peer, name)).tuples == ["at last"]
            assert len(ended) == len(begun)


async def test_peer_that_asks_for_a_thousand_answers_gets_as_many_as_it_may() -> None:
    async with a_world(max_watches_per_peer=100) as world:
        async with world.peer() as peer, world.peer() as other:
            asked = [{"filt": {"key": "test.notes", "number": number}} for number in range(1000)]
            reply = await peer.request({"key": "vortex.watch"}, asked)
            answers = reply.tuples
            assert all("watch" in one for one in answers[:100])
            errors = [one["error"] for one in answers[100:]]
            assert {one["error"] for one in errors} == {"limit"}
            assert errors[0]["text"].startswith("You watch 100 answers, as many as a peer may")
            name = await watch(other)
            assert (await see(other, name)).tuples == ["a", "b"]
            await peer.request({"key": "vortex.unwatch"}, [answers[0]["watch"]])
            await watch(peer)
        watching = world.server._watching
        assert watching is not None
        await eventually(lambda: not watching.watches.watches, "all watches to be forgotten")
        assert not watching.watches.find_watched_tables()
