"""Where payloads are decoded and replies made, and what is asked before."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.request import Request
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from tests.support.routing import Bench

LARGE: list[Any] = [[number] for number in range(5000)]


class LargeRuns:
    """A ``run_large`` that notes for whom it runs something."""

    def __init__(self) -> None:
        self.peers: list[str] = []

    async def __call__(self, peer: str, function: Callable[[], Any], /) -> Any:
        self.peers.append(peer)
        await asyncio.sleep(0)
        return function()


@pytest.fixture
def large(bench: Bench) -> LargeRuns:
    runs = LargeRuns()
    bench.payload_io.bind(run_large=runs)
    return runs


def echo_of(bench: Bench, *, is_async: bool, **options: Any) -> PayloadEndpoint:
    """Register a handler that gives back what came."""

    def handle(request: Request) -> Any:
        return request.tuples

    async def handle_async(request: Request) -> Any:
        return request.tuples

    handler = handle_async if is_async else handle
    return PayloadEndpoint({"key": "k"}, handler, payload_io=bench.payload_io, **options)


both_kinds = pytest.mark.parametrize("is_async", [True, False])


@both_kinds
async def test_large_payload_and_large_reply_wait_for_the_peers_turn(
    bench: Bench, large: LargeRuns, is_async: bool
) -> None:
    kept = echo_of(bench, is_async=is_async)
    [reply] = await bench.ask({"key": "k"}, LARGE)
    assert bench.tuples_of(reply) == LARGE
    assert large.peers == ["u1", "u1"]
    kept.close()


@both_kinds
@pytest.mark.parametrize("dialect", Dialect)
async def test_one_tuple_may_be_large(
    bench: Bench, large: LargeRuns, is_async: bool, dialect: Dialect
) -> None:
    kept = echo_of(bench, is_async=is_async)
    reply_filt = {"key": "back"}
    await bench.ask({"key": "k"}, [LARGE], dialect=dialect, reply_filt=reply_filt)
    assert large.peers[-1:] == ["u1"]
    kept.close()


@both_kinds
async def test_small_ones_do_not_wait(bench: Bench, large: LargeRuns, is_async: bool) -> None:
    kept = echo_of(bench, is_async=is_async)
    [reply] = await bench.ask({"key": "k"}, [[1], {"a": 2}])
    assert bench.tuples_of(reply) == [[1], {"a": 2}]
    assert large.peers == []
    kept.close()


async def test_coroutine_of_a_plain_function_gives_a_large_reply(
    bench: Bench, large: LargeRuns
) -> None:
    async def work() -> Any:
        return LARGE

    kept = PayloadEndpoint({"key": "k"}, lambda request: work(), payload_io=bench.payload_io)
    [reply] = await bench.ask({"key": "k"})
    assert bench.tuples_of(reply) == LARGE
    assert large.peers == ["u1"]
    kept.close()


async def test_message_for_nobody_is_not_decoded(bench: Bench, large: LargeRuns) -> None:
    request = bench.request({"key": "nobody"}, LARGE)
    await bench.payload_io.process(request)
    assert large.peers == []
    assert isinstance(request.envelope._body, EncodedBody)


@both_kinds
@pytest.mark.parametrize("is_later", [True, False])
@pytest.mark.parametrize("tuples", [LARGE, [["x" * 100] for _ in range(100)]])
async def test_sender_is_refused_before_anything_is_decoded(
    bench: Bench, large: LargeRuns, is_async: bool, is_later: bool, tuples: list[Any]
) -> None:
    decoded: list[object] = []

    class Nobody(Permission):
        def allows(self, request: Request, action: Action) -> bool:
            return False

    class NobodyLater(Permission):
        async def allows(self, request: Request, action: Action) -> bool:
            return False

    kept = echo_of(bench, is_async=is_async, permission=NobodyLater if is_later else Nobody)
    request = bench.request({"key": "k"}, tuples)
    request.codec.decode_inflated = decoded.append  # type: ignore[assignment, method-assign]
    request.codec.decode_payload = decoded.append  # type: ignore[assignment, method-assign]
    try:
        [reply] = await bench.payload_io.process(request)
    finally:
        del request.codec.decode_inflated, request.codec.decode_payload
    assert reply.result["error"] == "permission"
    assert (large.peers, decoded) == ([], [])
    kept.close()


@pytest.mark.parametrize("is_bound", [True, False])
async def test_other_blocking_port_runs_what_is_large_as_well(
    bench: Bench, large: LargeRuns, is_bound: bool
) -> None:
    kept = echo_of(bench, is_async=True)
    count = bench.sync.count
    with bench.payload_io.bound(run_sync=bench.sync if is_bound else None):
        await bench.ask({"key": "k"}, LARGE)
    assert (bench.sync.count - count, len(large.peers)) == ((2, 0) if is_bound else (0, 2))
    await bench.ask({"key": "k"}, LARGE)
    assert len(large.peers) == (2 if is_bound else 4)
    kept.close()
