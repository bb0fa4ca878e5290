"""What handlers raise is told to peers, or logged."""

import asyncio
import logging
from typing import Any

import pytest

from django_vortex.exceptions import (
    Conflict,
    DefinitionError,
    HandlerError,
    MalformedMessage,
    PermissionDenied,
    ValidationError,
)
from django_vortex.handlers import AsyncModelHandler, ModelHandler
from django_vortex.logs import RECORDS_PER_PERIOD, TRACEBACKS_PER_PERIOD
from django_vortex.routing.endpoint import PayloadEndpoint, endpoint
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from tests.support.routing import Bench
from tests.support.told import text_of
from tests.unit.routing.handlers import ASK, answer_with, both_kinds, raise_in


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


async def test_a_crash_of_one_endpoint_leaves_the_answer_of_another(bench: Bench) -> None:
    kept = [answer_with(bench, [1], is_async=True), raise_in(bench, KeyError(), is_async=True)]
    replies = await bench.ask(dict(ASK))
    assert sorted(str(reply.result and text_of(reply.result)) for reply in replies) == [
        "None",
        "The server could not answer (ref abc123)",
    ]
    del kept


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
