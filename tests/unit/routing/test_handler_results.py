"""What handlers return becomes the answers of requests."""

import datetime
from typing import Any

import pytest

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.routing import NOON, Bench
from tests.unit.routing.handlers import ASK, Lazy, answer_with, both_kinds


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
