"""Peers that ask or come too often are told to wait, and closed when they do not."""

from typing import Any

import pytest

from django_vortex.exceptions import TooManyPeers, TooManyRequests
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.rates import read_rates
from django_vortex.server.connection import Connection
from django_vortex.server.pace import MAX_IGNORED
from django_vortex.server.server import Server
from django_vortex.wire.dialects import Dialect
from tests.unit.server.fakes import FakeStream, make_server, message, note, open_peer, serve, settle


def make_paced(clock: Any, payload_io: PayloadIO, **rates: Any) -> Server:
    options = {name: read_rates(value) for name, value in rates.items()}
    return make_server(clock, payload_io=payload_io, **options)


async def ask(connection: Connection, *numbers: int) -> None:
    for number in numbers:
        connection.receive(message(note(number, key="echo"), connection.dialect or Dialect.D2))
        await settle()


async def echo(request: Any) -> Any:
    return request.tuples


async def test_peer_over_its_rate_is_told_how_long_to_wait(clock, payload_io):
    _endpoint = serve(payload_io, "echo", echo)
    server = make_paced(clock, payload_io, request_rates={"peer": "2/m"})
    stream, other = FakeStream(), FakeStream()
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    await ask(connection, 1, 2, 3)
    *answers, refusal = stream.envelopes(Dialect.NATIVE)
    assert [one.result for one in answers] == [None, None]
    assert refusal.filt["key"] == "echo"
    assert refusal.result == {
        "error": "rate",
        "text": "Too many requests, try again in 30 s",
        "retry_after": 30.0,
    }
    await ask(await open_peer(server, other, "another"), 4)
    assert other.values() == [4]
    clock.seconds += 30
    await ask(connection, 5)
    assert stream.envelopes(Dialect.NATIVE)[-1].result is None
    await server.stop(0)


async def test_released_peers_are_told_in_words(clock, payload_io):
    server = make_paced(clock, payload_io, request_rates="1/m")
    stream = FakeStream()
    await ask(await open_peer(server, stream), 1, 2)
    assert stream.envelopes()[-1].result == "Too many requests, try again in 60 s"
    await server.stop(0)


async def test_echo_is_refused_like_everything_else(clock, payload_io):
    server = make_paced(clock, payload_io, request_rates="1/m")
    stream = FakeStream()
    connection = await open_peer(server, stream)
    for _ in range(2):
        connection.receive(message(note("x", key="take", rapuiServerEcho=True)))
        await settle()
    assert stream.values() == ["x"]
    assert stream.envelopes()[-1].result == "Too many requests, try again in 60 s"
    await server.stop(0)


async def test_what_can_not_be_read_counts_too(clock, payload_io):
    _endpoint = serve(payload_io, "echo", echo)
    server = make_paced(clock, payload_io, request_rates={"peer": "2/m"})
    stream = FakeStream()
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    for _ in range(3):
        connection.receive("{this is no JSON")
    answers = stream.envelopes(Dialect.NATIVE)
    assert [one.result["error"] for one in answers] == ["malformed", "malformed", "rate"]
    clock.seconds += 30
    await ask(connection, 1, 2)
    assert stream.envelopes(Dialect.NATIVE)[-1].result["error"] == "rate"
    await server.stop(0)


async def test_burst_that_was_on_its_way_closes_nobody(clock, payload_io):
    server = make_paced(clock, payload_io, request_rates="1/m")
    stream = FakeStream()
    await ask(await open_peer(server, stream), *range(5 * MAX_IGNORED))
    assert stream.closed_with is None
    await server.stop(0)


async def test_peer_that_does_not_wait_is_closed_and_shut_out(clock, payload_io):
    server = make_paced(clock, payload_io, request_rates={"peer": "1/m"})
    stream = FakeStream()
    connection = await open_peer(server, stream)
    await ask(connection, 1, 2)
    clock.seconds += 1
    await ask(connection, *range(MAX_IGNORED - 1))
    assert stream.closed_with is None
    await ask(connection, 0)
    assert stream.closed_with == (4429, "59 s: Too many requests")
    with pytest.raises(TooManyPeers) as refused:
        await open_peer(server, FakeStream())
    assert refused.value.retry_after == 59
    await open_peer(server, FakeStream(), "another")
    clock.seconds += 59
    await open_peer(server, FakeStream())
    await server.stop(0)


async def test_peer_that_waits_is_never_closed(clock, payload_io):
    _endpoint = serve(payload_io, "echo", echo)
    server = make_paced(clock, payload_io, request_rates={"peer": "1/s"})
    stream = FakeStream()
    connection = await open_peer(server, stream)
    for _ in range(3 * MAX_IGNORED):
        await ask(connection, 1, 2)
        clock.seconds += 1
    assert stream.closed_with is None
    await server.stop(0)


async def test_handler_may_tell_a_peer_to_wait_and_is_heeded(clock, payload_io):
    async def refuse(request: Any) -> Any:
        raise TooManyRequests(5.5)

    _endpoint = serve(payload_io, "echo", refuse)
    server = make_paced(clock, payload_io)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    await ask(connection, 1)
    assert stream.envelopes()[-1].result == "Too many requests, try again in 6 s"
    clock.seconds += 2
    await ask(connection, *range(MAX_IGNORED))
    assert stream.closed_with == (4429, "6 s: Too many requests")
    await server.stop(0)


@pytest.mark.parametrize("framed", [False, True])
async def test_streams_are_counted_where_they_are_handshakes(clock, payload_io, framed):
    server = make_paced(clock, payload_io, connect_rates={"peer": "2/m"})
    for _ in range(2):
        await open_peer(server, FakeStream(framed=framed))
    if framed:  # each request of a peer over HTTP is a stream
        await open_peer(server, FakeStream(framed=True))
    else:
        with pytest.raises(TooManyPeers, match="You connect too often, try again in 30 s"):
            await open_peer(server, FakeStream())
    await server.stop(0)
