"""What one peer sees of the server: who it is, and answers to what it asks."""

import asyncio
import json
from base64 import b64decode, b64encode

import pytest

from django_vortex.exceptions import PermissionDenied
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import (
    MALFORMED_CLOSURE,
)
from tests.unit.server.fakes import (
    SERVER_UUID,
    FakeStream,
    infos,
    message,
    note,
    open_peer,
    receive_body,
    serve,
    settle,
)


async def test_peer_first_gets_the_introduction_of_the_server(server):
    stream = FakeStream()
    await open_peer(server, stream, dialect=None)
    assert infos(stream) == [SERVER_UUID]
    assert len(stream.received) == 1
    assert not stream.received[0].startswith("{")


async def test_http_peer_gets_a_beat_and_the_introduction_in_one_piece(server):
    stream = FakeStream(framed=True)
    await open_peer(server, stream)
    assert len(stream.received) == 1
    assert stream.received[0].startswith(".")
    assert stream.received[0].endswith(".")
    assert infos(stream) == [SERVER_UUID]


async def test_d0_peer_never_gets_a_lone_dot(server, clock):
    stream = FakeStream(framed=True)
    connection = await open_peer(server, stream, dialect=Dialect.D0)
    connection.beat()
    assert len(stream.received) == 2
    assert all(b64decode(text)[0] == 0x78 and text.endswith(".") for text in stream.received)
    assert not any("." in text[:-1] for text in stream.received)


@pytest.mark.parametrize("reply_filt", [None, {"key": "back"}])
async def test_d0_peer_hears_of_everything_under_the_filt_it_waits_for(
    server, payload_io, reply_filt
):
    gate = asyncio.Event()

    async def wait(request):
        await gate.wait()

    _endpoint = serve(payload_io, "wait", wait)
    stream = FakeStream(framed=True)
    connection = await open_peer(server, stream, dialect=Dialect.D0)
    for i in range(3 + 3 * 16 + 2):
        asked = note(i, key="wait")
        asked.reply_filt = reply_filt
        connection.receive(message(asked, Dialect.D0, framed=True))
    server.is_draining = True
    connection.receive(message(asked, Dialect.D0, framed=True))
    connection.receive("A" * (server.codec.limits.message_bytes + 1) + ".")
    *busy, stopping, unreadable = stream.envelopes(Dialect.D0)
    assert [one.filt for one in busy] == [reply_filt or {"key": "wait"}] * 2
    assert stopping.filt == (reply_filt or {"key": "wait"})
    assert stopping.result == "The server is shutting down"
    assert unreadable.filt == {"key": "vortex.error"}


async def test_request_is_answered_with_its_whole_filt(server, payload_io):
    async def echo(request):
        return request.tuples

    endpoint = serve(payload_io, "echo", echo)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.receive(message(note(1, "two", key="echo", id=7)))
    await settle()
    (reply,) = stream.envelopes()
    assert reply.filt == endpoint.filt | {"id": 7}
    assert stream.values() == [1, "two"]


async def test_server_answers_in_the_dialect_that_the_first_message_is_in(server, payload_io):
    async def echo(request):
        return request.tuples

    _endpoint = serve(payload_io, "echo", echo)
    stream = FakeStream()
    connection = await open_peer(server, stream, dialect=None)
    connection.receive(message(note(5, key="echo"), Dialect.D2))
    await settle()
    assert connection.dialect is Dialect.D2
    assert stream.received[-1].startswith("{")
    browser = FakeStream()
    connection = await open_peer(server, browser, "browser", dialect=None)
    connection.receive(message(note(5, key="echo"), Dialect.D1) + ".")
    await settle()
    assert connection.dialect is Dialect.D1
    assert browser.received[-1].startswith("eyJ")


async def test_body_of_a_request_is_taken_with_its_last_message(server, payload_io):
    got = []

    async def take(request):
        got.extend(request.tuples)

    _endpoint = serve(payload_io, "take", take)
    connection = await open_peer(server, FakeStream(framed=True))
    body = "".join(message(note(i, key="take"), framed=True) for i in range(3))
    receive_body(connection, body.removesuffix("."))
    await settle()
    assert got == [0, 1, 2]


async def test_empty_envelopes_are_not_routed(server):
    connection = await open_peer(server, FakeStream())
    connection.receive(message(PayloadEnvelope()))
    connection.receive(message(PayloadEnvelope({"__vortexUuid__": "u", "__vortexName__": "n"})))
    connection.receive(".")
    assert not len(connection.requests)
    connection.receive(message(PayloadEnvelope({"key": "x"})))
    assert len(connection.requests) == 1
    await settle()


async def test_echo_comes_back_and_is_routed_too(server, payload_io):
    got = []

    async def take(request):
        got.append(request.filt)

    _endpoint = serve(payload_io, "take", take)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.receive(message(note("x", key="take", rapuiServerEcho=True)))
    await settle()
    (echo,) = stream.envelopes()
    assert echo.filt == {"key": "take"}
    assert stream.values() == ["x"]
    assert got == [{"key": "take"}]


async def test_what_can_not_be_read_is_answered_and_the_connection_lives(server, caplog):
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.receive("{this is no JSON")
    (answer,) = stream.envelopes()
    assert answer.filt == {"key": "vortex.error"}
    assert isinstance(answer.result, str)
    assert stream.closed_with is None
    assert "sent what is no message: Message is not" in caplog.text


async def test_our_own_clients_get_its_parts(server):
    stream = FakeStream()
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    connection.receive("{this is no JSON")
    (answer,) = stream.envelopes(Dialect.NATIVE)
    assert answer.result["error"] == "malformed"


async def test_a_server_that_stops_says_so_in_parts(server):
    stream = FakeStream()
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    server.is_draining = True
    connection.receive(message(note(1, key="x"), Dialect.NATIVE))
    (answer,) = stream.envelopes(Dialect.NATIVE)
    assert answer.result == {"error": "shutting-down", "text": "The server is shutting down"}


async def test_endless_nonsense_closes_the_connection(server):
    stream = FakeStream()
    connection = await open_peer(server, stream)
    for _ in range(100):
        connection.receive("{this is no JSON")
    assert stream.closed_with is not None
    assert stream.closed_with[0] == MALFORMED_CLOSURE
    assert not server.connections


async def test_exception_of_a_handler_becomes_one_answer(server, payload_io):
    async def refuse(request):
        raise PermissionDenied("Not you")

    _endpoint = serve(payload_io, "x", refuse)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.receive(message(note(1, key="x", id=3)))
    await settle()
    (answer,) = stream.envelopes()
    assert (answer.filt, answer.result) == ({"key": "x", "id": 3}, "Not you")


async def test_reply_that_can_not_be_encoded_becomes_an_error_without_internals(
    server, payload_io, caplog
):
    async def answer(request):
        return PayloadEnvelope(result=object())

    _endpoint = serve(payload_io, "x", answer)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.receive(message(note(1, key="x")))
    await settle()
    (reply,) = stream.envelopes()
    assert reply.result.startswith("The server could not answer (ref ")
    assert reply.result[len("The server could not answer (ref ") :][:6] in caplog.text


@pytest.mark.parametrize(
    "value",
    [
        {"_ft": "bigint", "_fd": "f" * 9000},
        {"_ct": "rpe", "data": "no base64 of anything"},
        {"_ct": "rpe", "filt": {}, "payload": {"_ct": "rp", "tuples": [{"_ft": "bigint"}]}},
    ],
    ids=["number", "envelope", "payload"],
)
async def test_filt_that_can_be_read_but_not_be_written_costs_an_error_and_nothing_else(
    server, payload_io, value
):
    async def answer(request):
        return [1]

    _endpoint = serve(payload_io, "x", answer)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    for filt in ({"key": "x", "value": value}, {"key": "y", "value": value, "rapuiServerEcho": 1}):
        connection.receive(json.dumps({"_ct": "rpe", "data": None, "filt": filt}))
    connection.receive(message(note(1, key="x")))
    await settle()
    assert stream.closed_with is None
    assert stream.envelopes()[-1].filt == {"key": "x"}
    assert len(stream.envelopes()) == 3


async def test_what_can_not_be_written_in_the_form_of_a_new_stream_becomes_an_error(server):
    """It waited as a peer had sent it, which other forms can not take as it is."""
    old, new = FakeStream(framed=True, slot=1), FakeStream(framed=True)
    connection = await open_peer(server, old, dialect=Dialect.D2)
    body = EncodedBody(b64encode(b"no payload of anything").decode(), Dialect.D2)
    await settle()
    for number in range(3):
        relayed = PayloadEnvelope.received({"key": "x", "number": number}, body)
        server.push(relayed)
    server.push(note("after"))
    await open_peer(server, new, dialect=Dialect.D0)
    await settle()
    assert connection.stream is new
    assert new.closed_with is None
    *failures, after = new.envelopes(Dialect.D0)
    assert after.filt["key"] == "test.note"
    assert failures
    assert all(one.result.startswith("The server could not answer") for one in failures[1:])


async def test_only_so_many_requests_run_and_the_transport_waits(server, payload_io):
    running, peak, gate = 0, 0, asyncio.Event()

    async def wait(request):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await gate.wait()
        running -= 1
        return request.tuples

    _endpoint = serve(payload_io, "wait", wait)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    for i in range(3):
        connection.receive(message(note(i, key="wait")))
    await asyncio.wait_for(connection.ready(), 60)
    for i in range(3, 40):
        connection.receive(message(note(i, key="wait")))
    ready = asyncio.ensure_future(connection.ready())
    await settle()
    assert running == 3
    assert not ready.done()
    gate.set()
    await ready
    await settle(100)
    assert peak == 3
    assert sorted(stream.values()) == list(range(40))


async def test_transport_that_does_not_wait_is_told_at_a_bound(server, payload_io):
    gate = asyncio.Event()

    async def wait(request):
        await gate.wait()

    _endpoint = serve(payload_io, "wait", wait)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    for i in range(3 + 3 * 16 + 2):
        connection.receive(message(note(i, key="wait")))
    refused = stream.envelopes()
    assert len(refused) == 2
    assert all("Too many requests wait" in envelope.result for envelope in refused)


async def test_requests_of_a_websocket_peer_end_with_it(server, payload_io):
    cancelled = []

    async def wait(request):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(request.tuples)
            raise

    _endpoint = serve(payload_io, "wait", wait)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    for i in range(5):
        connection.receive(message(note(i, key="wait")))
    await settle()
    connection.detach(stream)
    await settle()
    assert sorted(cancelled) == [[0], [1], [2]]
    assert not server.connections
    assert connection.is_closed


async def test_requests_of_an_http_peer_go_on_over_its_next_response(server, payload_io):
    gate = asyncio.Event()

    async def wait(request):
        await gate.wait()
        return request.tuples

    _endpoint = serve(payload_io, "wait", wait)
    first, second = FakeStream(framed=True), FakeStream(framed=True)
    connection = await open_peer(server, first)
    receive_body(connection, message(note("late", key="wait"), framed=True))
    await settle()
    connection.detach(first)
    assert await open_peer(server, second) is connection
    gate.set()
    await settle()
    assert first.values() == []
    assert second.values() == ["late"]


async def test_closed_connection_takes_and_sends_nothing(server, payload_io):
    called = []

    async def take(request):
        called.append(request)

    _endpoint = serve(payload_io, "x", take)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.close(4008, "enough")
    connection.close(1000, "again")
    connection.send(note(1))
    connection.receive(message(note(1, key="x")))
    await settle()
    assert stream.closed_with == (4008, "enough")
    assert stream.values() == []
    assert not called


async def test_what_waits_for_an_answer_is_called_behind_it(server, payload_io):
    stream = FakeStream()
    seen = []

    async def answer(request):
        request.call_when_answered(lambda: seen.append(stream.values()))
        return ["answer"]

    _endpoint = serve(payload_io, "ask", answer)
    connection = await open_peer(server, stream)
    connection.receive(message(note(key="ask")))
    await settle()
    assert seen == [["answer"]]


async def test_what_waits_for_an_answer_is_called_when_there_is_none(server, payload_io):
    stream = FakeStream()
    seen = []

    async def answer(request):
        request.call_when_answered(lambda: seen.append("called"))
        await asyncio.Event().wait()

    _endpoint = serve(payload_io, "ask", answer)
    connection = await open_peer(server, stream)
    connection.receive(message(note(key="ask")))
    await settle()
    assert seen == []
    connection.detach(stream)
    await settle()
    assert seen == ["called"]
