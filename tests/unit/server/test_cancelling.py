"""Requests that their peer takes back."""

import asyncio

import pytest

from django_vortex.routing.rates import read_rates
from django_vortex.server.requests import Requests
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import CANCEL_KEY, CANCELLED_ID, MESSAGE_ID
from tests.unit.server.fakes import (
    FakeStream,
    WaitingHandler,
    make_server,
    message,
    note,
    open_peer,
    serve,
    settle,
)


@pytest.fixture
async def server(clock, payload_io):
    server = make_server(clock, payload_io=payload_io, max_requests_in_flight=2)
    yield server
    await server.stop(0)


def ask(connection, message_id, key="wait"):
    connection.receive(message(note(key=key, **{MESSAGE_ID: message_id}), Dialect.NATIVE))


def cancel(connection, message_id):
    filt = {"key": CANCEL_KEY, CANCELLED_ID: message_id}
    connection.receive(message(PayloadEnvelope(filt), Dialect.NATIVE))


@pytest.mark.parametrize("is_stubborn", [False, True])
async def test_cancelled_request_ends_and_is_never_answered(server, payload_io, is_stubborn):
    handler, stream = WaitingHandler(is_stubborn=is_stubborn), FakeStream()
    _endpoint = serve(payload_io, "wait", handler)
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    told = len(stream.received)
    ask(connection, "a")
    ask(connection, "b")
    await settle()
    assert not handler.requests[0].is_cancelled
    cancel(connection, "a")
    assert handler.requests[0].is_cancelled, "at once, for who looks in a thread"
    cancel(connection, "a")
    await settle()
    assert handler.cancelled == ["a"]
    assert not handler.requests[1].is_cancelled
    assert len(stream.received) == told
    assert len(connection.requests) == 1


async def test_all_endpoints_of_a_request_are_cancelled(server, payload_io):
    first, second = WaitingHandler(), WaitingHandler()
    _endpoints = [serve(payload_io, "wait", one) for one in (first, second)]
    connection = await open_peer(server, FakeStream(), dialect=Dialect.NATIVE)
    ask(connection, "a")
    await settle()
    cancel(connection, "a")
    assert [one.requests[0].is_cancelled for one in (first, second)] == [True, True]
    await settle()
    assert first.cancelled == second.cancelled == ["a"]


async def test_waiting_request_is_taken_out_and_the_others_keep_their_order(server, payload_io):
    handler = WaitingHandler()
    _endpoint = serve(payload_io, "wait", handler)
    connection = await open_peer(server, FakeStream(), dialect=Dialect.NATIVE)
    for message_id in "abcdef":
        ask(connection, message_id)
    for message_id in "dba":
        cancel(connection, message_id)
    await settle()
    assert handler.begun == ["c", "e"], "nor is one begun that was cancelled in the same turn"
    assert len(connection.requests) == 3


@pytest.mark.parametrize("wrong", ["nobody", "", None, 5, [], {}, True])
async def test_unknown_ids_are_nothing(server, payload_io, wrong):
    handler, stream = WaitingHandler(), FakeStream()
    _endpoint = serve(payload_io, "wait", handler)
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    other = await open_peer(server, FakeStream(), uuid="another", dialect=Dialect.NATIVE)
    told = len(stream.received)
    for message_id in "abc":
        ask(connection, message_id)
    await settle()
    cancel(connection, wrong)
    cancel(other, "a")
    cancel(other, "c")
    await settle()
    assert handler.cancelled == []
    assert len(connection.requests) == 3
    assert len(stream.received) == told


async def test_cancelling_costs_the_rate_nothing_unless_it_hits_nothing(clock, payload_io):
    server = make_server(clock, payload_io=payload_io, request_rates=read_rates({"peer": "2/m"}))
    handler, stream = WaitingHandler(), FakeStream()
    _endpoint = serve(payload_io, "wait", handler)
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    told = len(stream.received)
    for message_id in "ab":
        ask(connection, message_id)
    await settle()
    for message_id in "ab":
        cancel(connection, message_id)
    await settle()
    assert handler.cancelled == ["a", "b"]
    assert len(stream.received) == told
    cancel(connection, "a")
    await settle()
    assert len(stream.received) == told + 1, "a flood of them is a flood"
    await server.stop(0)


async def test_ids_that_are_not_unique_or_no_texts_do_not_hide_requests():
    begun = []

    async def answer(envelope):
        begun.append(envelope)

    requests = Requests(answer, 1)
    envelopes = [PayloadEnvelope({"key": "x", MESSAGE_ID: one}) for one in ("a", "b", "b", 5, [])]
    envelopes.append(PayloadEnvelope({"key": "x"}))
    assert all(requests.add(one) for one in envelopes)
    await settle()
    assert begun == envelopes
    assert len(requests) == 0


async def test_a_transport_reads_on_while_little_waits():
    gate = asyncio.Event()

    async def answer(envelope):
        await gate.wait()

    requests = Requests(answer, 1)
    for number in range(9):
        assert requests.is_ready
        requests.add(PayloadEnvelope({"key": "x", MESSAGE_ID: str(number)}))
    requests.add(PayloadEnvelope({"key": "x", MESSAGE_ID: "last"}))
    assert not requests.is_ready
    ready = asyncio.ensure_future(requests.ready())
    await settle()
    assert not ready.done()
    assert requests.withdraw("last")
    await asyncio.wait_for(ready, 60)
    gate.set()
    while len(requests):
        await settle()


async def test_cancelling_twice_does_not_disturb_what_cleans_up(server, payload_io):
    cleaned = []

    async def wait(request):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            cleaned.append(request)

    _endpoint = serve(payload_io, "wait", wait)
    connection = await open_peer(server, FakeStream(), dialect=Dialect.NATIVE)
    ask(connection, "a")
    await settle()
    cancel(connection, "a")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cancel(connection, "a")
    await settle()
    assert len(cleaned) == 1
