"""How requests find their endpoints and what becomes of results and exceptions."""

import asyncio
import datetime
import gc
import logging
import random
import threading
from typing import Any

import pytest

from django_vortex.exceptions import (
    Conflict,
    DefinitionError,
    DeliveryError,
    HandlerError,
    MalformedMessage,
    PermissionDenied,
    ValidationError,
)
from django_vortex.handlers import AsyncModelHandler, ModelHandler
from django_vortex.logs import RECORDS_PER_PERIOD, TRACEBACKS_PER_PERIOD
from django_vortex.routing.endpoint import PayloadEndpoint, endpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.routing import NOON, Bench
from tests.support.told import text_of

ASK = {"key": "k", "id": 7, MESSAGE_ID: "m1", "nested": {"a": [1, None]}}


class Lazy:
    """A queryset: listed only where it may block, each time anew."""

    def __init__(self, bench: Bench, *items: object) -> None:
        self.bench = bench
        self.items = items

    def __iter__(self) -> Any:
        assert self.bench.sync.is_running
        return iter(self.items)


def answer_with(bench: Bench, result: object, *, is_async: bool) -> PayloadEndpoint:
    """Register a handler that returns ``result``."""

    async def handle_async(request: Request) -> object:
        return result

    def handle(request: Request) -> object:
        return result

    handler = handle_async if is_async else handle
    return PayloadEndpoint({"key": "k"}, handler, payload_io=bench.payload_io)


def raise_in(bench: Bench, error: BaseException, *, is_async: bool) -> PayloadEndpoint:
    """Register a handler that raises ``error``."""

    async def handle_async(request: Request) -> object:
        raise error

    def handle(request: Request) -> object:
        raise error

    handler = handle_async if is_async else handle
    return PayloadEndpoint({"key": "k"}, handler, payload_io=bench.payload_io)


both_kinds = pytest.mark.parametrize("is_async", [True, False])


@both_kinds
@pytest.mark.parametrize(
    ("result", "tuples"),
    [
        ([1, "a"], [1, "a"]),
        ((1, 2), [1, 2]),
        (frozenset({5}), [5]),
        ((n for n in (1, 2)), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ("text", ["text"]),
        (b"bytes", [b"bytes"]),
        ({"a": 1}, [{"a": 1}]),
        (5, [5]),
        ([], []),
        (Payload(tuples=[1]), [1]),
        (Payload(tuples=(n for n in (1, 2))), [1, 2]),
        (PayloadEnvelope(payload=Payload(tuples=[1])), [1]),
    ],
)
async def test_what_a_handler_returns_becomes_the_tuples(
    bench: Bench, is_async: bool, result: object, tuples: list[object]
) -> None:
    if hasattr(result, "__next__"):  # another one for each test
        result = iter(tuples)
    if isinstance(result, Payload):
        result = Payload(tuples=tuples)
    kept = answer_with(bench, result, is_async=is_async)
    [reply] = await bench.ask(dict(ASK))
    assert bench.tuples_of(reply) == tuples
    assert reply.result is None
    kept.close()


@both_kinds
async def test_the_answer_has_the_complete_filt_of_the_asker(bench: Bench, is_async: bool) -> None:
    kept = answer_with(bench, PayloadEnvelope({"key": "other"}), is_async=is_async)
    [reply] = await bench.ask(dict(ASK))
    assert reply.filt == ASK
    kept.close()


@both_kinds
@pytest.mark.parametrize(
    "result",
    [
        [1],
        Payload(tuples=[1]),
        Payload({"key": "other"}, tuples=[1]),
        PayloadEnvelope({"key": "other"}, Payload({"key": "other"}, tuples=[1])),
    ],
)
async def test_the_filt_of_the_asker_is_inside_as_well(
    bench: Bench, is_async: bool, result: Any
) -> None:
    kept = answer_with(bench, result, is_async=is_async)
    [reply] = await bench.ask(dict(ASK))
    text = reply.encoded(bench.codec, Dialect.NATIVE, None)
    assert text is not None
    assert bench.codec.decode_payload(text, Dialect.NATIVE).filt == ASK
    if not isinstance(result, list):
        assert result.filt != ASK
    kept.close()


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_message_that_is_sent_back_has_the_filt_of_the_asker_inside(
    bench: Bench, dialect: Dialect
) -> None:
    """VortexPY adds its message id to the filt outside only."""

    async def give_back(request: Request) -> PayloadEnvelope:
        return request.envelope

    kept = PayloadEndpoint({"key": "k"}, give_back, payload_io=bench.payload_io)
    request = bench.request({"key": "k"}, [1], dialect=dialect)
    request.filt[MESSAGE_ID] = "m1"
    asked = Request(request.envelope, request.peer, codec=bench.codec, dialect=Dialect.NATIVE)
    [reply] = await bench.payload_io.process(asked)
    text = reply.encoded(bench.codec, Dialect.NATIVE, None)
    assert text is not None
    payload = bench.codec.decode_payload(text, Dialect.NATIVE)
    assert (payload.filt, payload.tuples) == ({"key": "k", MESSAGE_ID: "m1"}, [1])
    kept.close()


async def test_a_handler_that_changes_the_filt_changes_no_answer(bench: Bench) -> None:
    async def handle(request: Request) -> list[int]:
        request.filt.clear()
        return [1]

    kept = PayloadEndpoint({"key": "k"}, handle, payload_io=bench.payload_io)
    [reply] = await bench.ask(dict(ASK))
    assert reply.filt == ASK
    kept.close()


async def test_the_oldest_dialect_is_answered_under_its_reply_filt(bench: Bench) -> None:
    kept = answer_with(bench, [1], is_async=True)
    [reply] = await bench.ask({"key": "k"}, dialect=Dialect.D0, reply_filt={"key": "back"})
    assert reply.filt == {"key": "back"}
    for reply_filt in (None, {}):
        filt = {"key": "k", MESSAGE_ID: "m"}
        [reply] = await bench.ask(dict(filt), dialect=Dialect.D0, reply_filt=reply_filt)
        assert reply.filt == filt
    kept.close()


@pytest.mark.parametrize("reply_filt", [{}, {"key": "back"}])
async def test_the_oldest_dialect_hears_of_failures_where_it_waits_for_answers(
    bench: Bench, reply_filt: dict[str, Any]
) -> None:
    def refuse(request: Request) -> None:
        raise PermissionDenied("Not you")

    def fail(request: Request) -> None:
        raise RuntimeError

    for handle in (refuse, fail):
        kept = PayloadEndpoint({"key": "k"}, handle, payload_io=bench.payload_io)
        [reply] = await bench.ask(dict(ASK), dialect=Dialect.D0, reply_filt=reply_filt)
        assert reply.filt == (reply_filt or ASK)
        assert reply.result
        kept.close()


async def test_an_envelope_says_its_own_result_and_stays_as_it_was(bench: Bench) -> None:
    returned = PayloadEnvelope({"key": "other"}, result="half done")
    kept = answer_with(bench, returned, is_async=True)
    [reply] = await bench.ask(dict(ASK))
    assert reply.result == "half done"
    assert returned.filt == {"key": "other"}
    kept.close()


async def test_a_payload_that_a_handler_keeps_stays_as_it_was(bench: Bench) -> None:
    lazy = Lazy(bench, 1, 2)
    returned = Payload(tuples=lazy)
    kept = answer_with(bench, returned, is_async=True)
    [reply] = await bench.ask(dict(ASK))
    assert bench.tuples_of(reply) == [1, 2]
    assert returned.tuples is lazy
    kept.close()


@both_kinds
async def test_nothing_is_an_empty_answer_for_those_who_wait(bench: Bench, is_async: bool) -> None:
    kept = answer_with(bench, None, is_async=is_async)
    [reply] = await bench.ask(dict(ASK))
    assert (reply.filt, reply.result, reply.has_payload) == (ASK, None, False)
    assert await bench.ask({"key": "k"}) == []
    [reply] = await bench.ask({"key": "k"}, dialect=Dialect.D0, reply_filt={"key": "back"})
    assert reply.filt == {"key": "back"}
    kept.close()


@both_kinds
async def test_lazy_tuples_are_listed_where_they_may_block(bench: Bench, is_async: bool) -> None:
    for result in (Lazy(bench, 1), Payload(tuples=Lazy(bench, 1))):
        kept = answer_with(bench, result, is_async=is_async)
        [reply] = await bench.ask(dict(ASK))
        assert bench.tuples_of(reply) == [1]
        kept.close()


async def test_few_plain_tuples_of_a_coroutine_do_not_leave_the_loop(bench: Bench) -> None:
    kept = answer_with(bench, [1, "a", None, {"b": [datetime.date(2024, 1, 2)]}], is_async=True)
    await bench.ask(dict(ASK))
    assert bench.sync.count == 0
    kept.close()


async def test_many_tuples_of_a_coroutine_are_encoded_off_the_loop(bench: Bench) -> None:
    kept = answer_with(bench, list(range(3000)), is_async=True)
    [reply] = await bench.ask(dict(ASK))
    assert bench.sync.count == 1
    assert bench.tuples_of(reply) == list(range(3000))
    kept.close()


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_the_answer_is_encoded_for_the_asker_already(bench: Bench, dialect: Dialect) -> None:
    kept = answer_with(bench, [1], is_async=False)
    [reply] = await bench.ask(dict(ASK), dialect=dialect, reply_filt={"key": "back"})
    text = reply.encoded(bench.codec, dialect, None)
    assert text is not None
    payload = reply.decode_payload(bench.codec)
    payload.tuples.append("changed too late")
    assert reply.encoded(bench.codec, dialect, None) is text
    kept.close()


async def test_the_payload_is_dated_by_the_clock(bench: Bench) -> None:
    kept = answer_with(bench, [1], is_async=True)
    [reply] = await bench.ask(dict(ASK))
    text = reply.encoded(bench.codec, Dialect.NATIVE, None)
    assert text is not None
    assert bench.codec.decode_payload(text, Dialect.NATIVE).date == NOON
    kept.close()


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


@both_kinds
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionDenied("Only for staff"), "Only for staff"),
        (PermissionDenied(), "Permission denied"),
        (Conflict(""), "Conflict"),
        (MalformedMessage("Expected `int`, got 'x'", "$.a"), "Expected `int`, got 'x' - at `$.a`"),
    ],
)
async def test_errors_meant_for_the_peer_are_told_once(
    bench: Bench, is_async: bool, error: Exception, text: str
) -> None:
    kept = raise_in(bench, error, is_async=is_async)
    [reply] = await bench.ask(dict(ASK))
    assert (reply.filt, text_of(reply.result), reply.has_payload) == (ASK, text, False)
    kept.close()


@both_kinds
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret"),
        StopIteration("secret"),
        DefinitionError("secret"),
        KeyError("secret"),
        BaseException("secret"),
    ],
)
async def test_a_crash_is_told_without_internals_and_logged_with_them(
    bench: Bench, is_async: bool, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    kept = raise_in(bench, error, is_async=is_async)
    with caplog.at_level(logging.ERROR):
        [reply] = await bench.ask(dict(ASK))
    assert text_of(reply.result) == "The server could not answer (ref abc123)"
    assert reply.filt == ASK
    [record] = caplog.records
    assert "abc123" in record.getMessage()
    assert "secret" in caplog.text
    assert "Traceback" in caplog.text
    kept.close()


async def test_an_error_in_a_task_of_a_handler_is_told(bench: Bench) -> None:
    async def refuse() -> None:
        raise PermissionDenied("Only for staff")

    async def handle(request: Request) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(refuse())

    kept = PayloadEndpoint({"key": "k"}, handle, payload_io=bench.payload_io)
    reply = await bench.ask_one({"key": "k"})
    assert reply.result == {"error": "permission", "text": "Only for staff"}
    kept.close()


async def test_failures_of_one_endpoint_hide_none_of_another(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(request: Request) -> object:
        raise ValueError(request.filt["key"])

    kept = [
        PayloadEndpoint({"key": key}, crash, payload_io=bench.payload_io) for key in ("a%s", "b")
    ]
    for key, count in (("a%s", RECORDS_PER_PERIOD + 20), ("b", 1)):
        for _ in range(count):
            await bench.ask_one({"key": key})
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == RECORDS_PER_PERIOD + 1
    assert lines[0].startswith("<PayloadEndpoint {'key': 'a%s'}")
    assert lines[0].endswith("failed for a peer named 'browser' (ref abc123)")
    assert "{'key': 'b'}" in lines[-1]
    assert caplog.text.count("Traceback") == TRACEBACKS_PER_PERIOD
    del kept


async def test_a_coroutine_that_wants_to_end_the_process_only_fails(bench: Bench) -> None:
    kept = raise_in(bench, SystemExit(3), is_async=True)
    [reply] = await bench.ask(dict(ASK))
    assert text_of(reply.result) == "The server could not answer (ref abc123)"
    kept.close()


async def test_an_error_that_cannot_be_told_is_named(bench: Bench) -> None:
    class OutOfPaper(Conflict):
        def __str__(self) -> str:
            raise RuntimeError

    kept = raise_in(bench, OutOfPaper(), is_async=True)
    [reply] = await bench.ask(dict(ASK))
    assert text_of(reply.result) == "Out of paper"
    kept.close()


async def test_what_cannot_be_encoded_is_told_with_its_place_and_its_handler(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(ModelHandler):
        def build_model(self, request: Request) -> object:
            return [1, {"odd": object()}]

    class Later(AsyncModelHandler):
        async def build_model(self, request: Request) -> object:
            return [1, {"odd": object()}]

    def odd_result(request: Request) -> PayloadEnvelope:
        return PayloadEnvelope(result={"odd": object()})

    kept: list[Any] = [
        Broken({"key": "model"}, payload_io=bench.payload_io),
        Later({"key": "later"}, payload_io=bench.payload_io),
        PayloadEndpoint({"key": "result"}, odd_result, payload_io=bench.payload_io),
    ]
    for key, name in (("model", "Broken"), ("later", "Later"), ("result", "odd_result")):
        caplog.clear()
        reply = await bench.ask_one({"key": key})
        assert reply.result["error"] == "internal"
        [record] = caplog.records
        assert f"{__name__}." in record.getMessage()
        assert f"{name}> failed for a peer" in record.getMessage()
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], DefinitionError)
        assert "odd" in str(record.exc_info[1])
    del kept


async def test_what_cannot_be_encoded_is_a_crash_of_the_handler(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for is_async in (True, False):
        kept = answer_with(bench, [object()], is_async=is_async)
        [reply] = await bench.ask(dict(ASK))
        assert text_of(reply.result) == "The server could not answer (ref abc123)"
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


async def test_a_crash_of_one_endpoint_leaves_the_answer_of_another(bench: Bench) -> None:
    kept = [answer_with(bench, [1], is_async=True), raise_in(bench, KeyError(), is_async=True)]
    replies = await bench.ask(dict(ASK))
    assert sorted(str(reply.result and text_of(reply.result)) for reply in replies) == [
        "None",
        "The server could not answer (ref abc123)",
    ]
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


@pytest.mark.parametrize(
    "error",
    [
        ValidationError(errors=[{"field": "title", "messages": ["No"], "value": object()}]),
        type("Odd", (HandlerError,), {"parts": {"value": object()}})("No"),
    ],
)
async def test_errors_with_parts_that_cannot_travel_name_their_handler(
    bench: Bench, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    @endpoint({"key": "k"}, permission=AllowAny, payload_io=bench.payload_io)
    def refuse(request: Request) -> None:
        raise error

    with caplog.at_level(logging.ERROR):
        reply = await bench.ask_one(ASK)
    assert text_of(reply.result) == "The server could not answer (ref abc123)"
    [record] = caplog.records
    assert "refuse" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], DefinitionError)
    assert "value" in str(record.exc_info[1])
    if isinstance(error, ValidationError):
        reply = await bench.ask_one(ASK, dialect=Dialect.D2)
        assert reply.result == "Field 'title': No"
