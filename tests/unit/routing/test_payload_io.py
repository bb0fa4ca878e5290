"""How requests find their endpoints, and what runs where."""

import asyncio
import gc
import random
import threading
from typing import Any

import pytest

from django_vortex.exceptions import (
    DeliveryError,
)
from django_vortex.routing.endpoint import PayloadEndpoint, endpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from tests.support.routing import Bench
from tests.support.told import text_of
from tests.unit.routing.handlers import ASK, answer_with, both_kinds


async def test_sync_handlers_run_through_the_port_and_coroutines_do_not(bench: Bench) -> None:
    seen: list[bool] = []

    def handle(request: Request) -> None:
        seen.append(bench.sync.is_running)

    async def handle_async(request: Request) -> None:
        seen.append(bench.sync.is_running)

    kept = [
        PayloadEndpoint({"key": "sync"}, handle, payload_io=bench.payload_io),
        PayloadEndpoint({"key": "async"}, handle_async, payload_io=bench.payload_io),
    ]
    await bench.ask({"key": "sync"})
    await bench.ask({"key": "async"})
    assert seen == [True, False]
    del kept


async def test_unbound_sync_handlers_run_in_a_thread() -> None:
    payload_io = PayloadIO()
    seen: list[int] = []

    def handle(request: Request) -> None:
        seen.append(threading.get_ident())

    kept = PayloadEndpoint({"key": "k"}, handle, payload_io=payload_io)
    await payload_io.process(Bench().request({"key": "k"}))
    assert seen != [threading.get_ident()]
    kept.close()


async def test_a_coroutine_that_a_plain_function_returns_is_awaited(bench: Bench) -> None:
    async def work() -> list[int]:
        await asyncio.sleep(0)
        return [5]

    kept = PayloadEndpoint({"key": "k"}, lambda request: work(), payload_io=bench.payload_io)
    [reply] = await bench.ask(dict(ASK))
    assert bench.tuples_of(reply) == [5]
    kept.close()


async def test_a_payload_that_cannot_be_decoded_is_told_to_its_sender(bench: Bench) -> None:
    async def handle(request: Request) -> object:
        return request.tuples

    kept = PayloadEndpoint({"key": "k"}, handle, payload_io=bench.payload_io)
    request = bench.request({"key": "k"}, [1])
    request.envelope._body = type(request.envelope._body)("!!!", Dialect.NATIVE)  # type: ignore
    [reply] = await bench.payload_io.process(request)
    assert reply.result["error"] == "malformed"
    assert "Traceback" not in str(reply.result)
    kept.close()


async def test_a_payload_is_not_decoded_unless_asked_for(bench: Bench) -> None:
    async def handle(request: Request) -> list[int]:
        return [request.filt["id"]]

    kept = PayloadEndpoint({"key": "k"}, handle, payload_io=bench.payload_io)
    request = bench.request(dict(ASK), [1])
    request.envelope._body = type(request.envelope._body)("!!!", Dialect.NATIVE)  # type: ignore
    [reply] = await bench.payload_io.process(request)
    assert bench.tuples_of(reply) == [7]
    kept.close()


async def test_a_large_payload_for_a_coroutine_is_decoded_off_the_loop(bench: Bench) -> None:
    seen: list[object] = []

    async def handle(request: Request) -> None:
        seen.append((bench.sync.count, len(request.tuples)))

    kept = PayloadEndpoint({"key": "k"}, handle, payload_io=bench.payload_io)
    await bench.ask(dict(ASK), ["x"])
    await bench.ask(dict(ASK), [random.randbytes(100) for _ in range(1000)])
    await bench.ask(dict(ASK), ["x" * 1_000_000])  # of which next to nothing is left on the wire
    assert seen == [(0, 1), (1, 1000), (2, 1)]
    kept.close()


async def test_a_large_payload_that_cannot_be_decoded_only_matters_to_who_looks(
    bench: Bench,
) -> None:
    async def look(request: Request) -> object:
        return request.tuples

    async def look_away(request: Request) -> object:
        return [1]

    for handler, result in ((look, dict), (look_away, type(None))):
        kept = PayloadEndpoint({"key": "k"}, handler, payload_io=bench.payload_io)
        request = bench.request(dict(ASK), [1])
        body = type(request.envelope._body)
        request.envelope._body = body("!" * 100_000, Dialect.NATIVE)  # type: ignore
        [reply] = await bench.payload_io.process(request)
        assert type(reply.result) is result
        kept.close()


@both_kinds
async def test_cancelling_a_request_cancels_its_handler_and_is_passed_on(
    bench: Bench, is_async: bool
) -> None:
    entered = asyncio.Event()
    ended: list[str] = []

    async def wait(request: Request) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("handler")

    handler = wait if is_async else (lambda request: wait(request))
    kept = PayloadEndpoint({"key": "k"}, handler, payload_io=bench.payload_io)
    task = asyncio.ensure_future(bench.ask(dict(ASK)))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["handler"]
    kept.close()


async def test_cancelling_a_request_cancels_all_its_handlers(bench: Bench) -> None:
    entered: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]
    ended: list[int] = []

    def waiting(number: int) -> Any:
        async def wait(request: Request) -> None:
            entered[number].set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(number)

        return PayloadEndpoint({"key": "k"}, wait, payload_io=bench.payload_io)

    kept = [waiting(0), waiting(1)]
    task = asyncio.ensure_future(bench.ask(dict(ASK)))
    for event in entered:
        await event.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1]
    del kept


async def test_a_cancellation_of_something_the_handler_awaits_is_a_crash(bench: Bench) -> None:
    async def handle(request: Request) -> None:
        inner = asyncio.ensure_future(asyncio.Event().wait())
        inner.cancel()
        await inner

    kept = PayloadEndpoint({"key": "k"}, handle, payload_io=bench.payload_io)
    reply = await bench.ask_one({"key": "k"})
    assert text_of(reply.result) == "The server could not answer (ref abc123)"
    kept.close()


async def test_all_matching_endpoints_run_at_once_and_each_answers(bench: Bench) -> None:
    arrived: list[str] = []
    all_there = asyncio.Event()

    def meeting(name: str, filt: dict[str, object]) -> PayloadEndpoint:
        async def handle(request: Request) -> list[str]:
            arrived.append(name)
            if len(arrived) == 2:
                all_there.set()
            await all_there.wait()  # alone it would wait for ever
            return [name]

        return PayloadEndpoint(filt, handle, payload_io=bench.payload_io)

    kept = [
        meeting("one", {"key": "k"}),
        meeting("two", {"key": "k", "id": 7}),
        meeting("not", {"key": "k", "id": 8}),
    ]
    async with asyncio.timeout(60):
        replies = await bench.ask(dict(ASK))
    assert sorted(bench.tuples_of(reply)[0] for reply in replies) == ["one", "two"]
    assert [reply.filt for reply in replies] == [ASK, ASK]
    del kept


async def test_each_of_several_endpoints_has_a_payload_of_its_own(bench: Bench) -> None:
    async def take(request: Request) -> list[Any]:
        item = request.tuples.pop()
        await asyncio.sleep(0)
        return [item]

    kept = [PayloadEndpoint({"key": "k"}, take, payload_io=bench.payload_io) for _ in range(2)]
    replies = await bench.ask(dict(ASK), ["x"])
    assert [bench.tuples_of(reply) for reply in replies] == [["x"], ["x"]]
    del kept


@pytest.mark.parametrize("dialect", [d for d in Dialect if not d.is_native])
async def test_released_peers_hear_nothing_from_nobody(bench: Bench, dialect: Dialect) -> None:
    assert await bench.ask(dict(ASK), dialect=dialect) == []


async def test_our_own_peers_are_told_when_there_is_nobody(bench: Bench) -> None:
    reply = await bench.ask_one({"key": "nobody"})
    assert text_of(reply.result).startswith("No endpoint for {'key': 'nobody'")
    assert await bench.ask({"key": "nobody"}) == []


async def test_an_answer_that_comes_too_late_is_not_answered(bench: Bench) -> None:
    assert await bench.ask(dict(ASK), result="No endpoint for ...") == []


async def test_peers_are_heard_by_name(bench: Bench) -> None:
    async def handle(request: Request) -> list[str]:
        return [request.peer.name]

    kept = [
        PayloadEndpoint(
            {"key": "k"}, handle, accept_only_from=["plant"], payload_io=bench.payload_io
        ),
        PayloadEndpoint(
            {"key": "k"}, handle, ignore_from=["plant", "robot"], payload_io=bench.payload_io
        ),
        PayloadEndpoint(
            {"key": "k"}, handle, accept_only_from="robot", payload_io=bench.payload_io
        ),
    ]
    heard = {
        name: [kept.index(found) for found in bench.payload_io.find({"key": "k"}, name)]
        for name in ("plant", "robot", "browser")
    }
    assert heard == {"plant": [0], "robot": [2], "browser": [1]}
    peer = Peer(uuid="u2", name="robot")
    [reply] = await bench.ask(dict(ASK), peer=peer)
    assert bench.tuples_of(reply) == ["robot"]


async def test_a_filt_of_any_shape_raises_nothing(bench: Bench) -> None:
    kept = answer_with(bench, [1], is_async=True)
    for filt in (
        {},
        {"key": None},
        {"key": ["k"]},
        {"key": {}},
        {1: 2},
        {"key": "k", "x": [{}, 1]},
    ):
        await bench.ask(filt)
    kept.close()


async def test_a_push_without_server_fails_in_its_future() -> None:
    future = PayloadIO().push(PayloadEnvelope({"key": "k"}))
    with pytest.raises(DeliveryError):
        await asyncio.wrap_future(future)


def test_endpoints_come_and_go_in_all_threads_while_others_are_looked_for() -> None:
    payload_io = PayloadIO()
    stays = PayloadEndpoint({"key": "k", "id": 0}, print, payload_io=payload_io)
    failures: list[BaseException] = []
    is_over = threading.Event()

    def come_and_go(number: int) -> None:
        try:
            for turn in range(300):
                kept = PayloadEndpoint({"key": "k", "id": number}, print, payload_io=payload_io)
                PayloadEndpoint({"key": "k", "turn": turn}, print, payload_io=payload_io)
                if turn % 2:
                    kept.close()
        except BaseException as error:
            failures.append(error)

    def look() -> None:
        try:
            while not is_over.is_set():
                assert payload_io.find({"key": "k", "id": 0}, "") == [stays]
                assert stays in payload_io.endpoints
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=come_and_go, args=[number]) for number in range(1, 4)]
    looker = threading.Thread(target=look)
    for thread in [looker, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    looker.join()
    gc.collect()
    assert failures == []
    assert payload_io.endpoints == [stays]


def test_binding_one_port_leaves_the_others() -> None:
    bench = Bench()
    run_sync = bench.payload_io.run_sync
    bench.payload_io.bind(after_commit=lambda function: None)
    assert bench.payload_io.run_sync is run_sync
    assert bench.payload_io.push(PayloadEnvelope({"key": "k"})).result() == 1


def test_the_decorated_function_stays_a_function(bench: Bench) -> None:
    @endpoint({"key": "k"}, payload_io=bench.payload_io)
    def double(request: int) -> int:
        return 2 * request

    assert double(4) == 8
    assert [found.handler for found in bench.payload_io.endpoints] == [double]
