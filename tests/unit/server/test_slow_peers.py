"""Peers that read too slowly, or say nothing: what is dropped, refused and closed."""

import itertools
import random
from datetime import UTC, datetime

import pytest

from django_vortex.wire.dialects import Dialect
from django_vortex.wire.reserved import (
    SILENT_CLOSURE,
    SLOW_CLOSURE,
)
from tests.support.told import text_of
from tests.unit.server.fakes import (
    FakeStream,
    make_server,
    message,
    note,
    open_peer,
    serve,
    settle,
)


async def test_superseded_updates_are_dropped_before_the_peer_is(clock):
    server = make_server(clock, outbox_max_messages=10)
    stream = FakeStream()
    await open_peer(server, stream)
    stream.is_blocked = True
    server.push(note("writing"))
    server.push(note("kept"))
    for i in range(100):
        server.push(note(i, key="model"), coalesce=True)
    await settle()
    assert stream.closed_with is None
    stream.unblock()
    await settle()
    values = stream.values()
    assert values[:2] == ["writing", "kept"]
    assert values[-1] == 99
    assert values[2:] == sorted(values[2:])
    assert len(values) <= 12
    await server.stop(0)


@pytest.mark.parametrize("limits", [{"outbox_max_messages": 10}, {"outbox_max_bytes": 5000}])
async def test_peer_that_reads_too_slowly_is_closed_and_costs_nothing_more(clock, limits, caplog):
    server = make_server(clock, **limits)
    slow, quick = FakeStream(), FakeStream()
    connection = await open_peer(server, slow, "slow")
    await open_peer(server, quick, "quick")
    slow.is_blocked = True
    for i in range(50):
        server.push(note(i))
    await settle()
    assert slow.closed_with is not None
    assert slow.closed_with[0] == SLOW_CLOSURE
    assert connection.waiting == 0
    assert list(server.connections) == ["quick"]
    assert quick.values() == list(range(50))
    assert slow.sends <= 2
    await server.stop(0)


async def test_message_larger_than_the_outbox_is_refused_with_an_answer(clock, payload_io, caplog):
    async def answer(request):
        return ["x" * 200_000]

    _endpoint = serve(payload_io, "big", answer)
    server = make_server(clock, payload_io=payload_io, outbox_max_bytes=1000)
    stream = FakeStream()
    connection = await open_peer(server, stream, dialect=Dialect.NATIVE)
    connection.receive(message(note(1, key="big", id=1), Dialect.NATIVE))
    # Text of one letter deflates to nothing.
    noise = random.Random(1).randbytes(5000)
    server.push(note(noise, key="noise"))
    await settle()
    refusal = stream.envelopes(Dialect.NATIVE)[0]
    assert refusal.filt == {"key": "noise"}
    assert "exceeds outbox_max_bytes (1000)" in text_of(refusal.result)
    assert stream.closed_with is None
    await server.stop(0)


async def test_answer_whose_filt_alone_is_larger_than_the_outbox_is_refused_too(
    clock, payload_io, caplog
):
    async def answer(request):
        return ["x"]

    _endpoint = serve(payload_io, "big", answer)
    server = make_server(clock, payload_io=payload_io, outbox_max_bytes=1000)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.receive(message(note(1, key="big", filling="x" * 2000)))
    await settle()
    (refusal,) = stream.envelopes()
    assert refusal.filt == {"key": "vortex.error"}
    assert "exceeds outbox_max_bytes" in refusal.result
    await server.stop(0)


async def test_refusal_larger_than_the_smallest_of_outboxes_is_not_sent(clock, caplog):
    server = make_server(clock, outbox_max_bytes=10)
    stream = FakeStream()
    await open_peer(server, stream)
    server.push(note("x"))
    assert stream.envelopes() == []
    assert stream.closed_with is None
    await server.stop(0)


async def test_dates_of_a_key_only_grow_however_quick_the_pushes(server):
    stream = FakeStream()
    await open_peer(server, stream)
    for i in range(5):
        server.push(note(i))
    dates = [envelope.date for envelope in stream.envelopes()]
    assert all(a < b for a, b in itertools.pairwise(dates))
    assert dates[0] == datetime.fromtimestamp(1_700_001_000, UTC)


async def test_broadcast_has_one_date_for_all_who_did_not_get_a_later_one(server, clock):
    ahead, behind = FakeStream(), FakeStream()
    connection = await open_peer(server, ahead, "ahead")
    await open_peer(server, behind, "behind")
    connection.send(note("reply"))
    server.push(note("both"))
    (one,) = behind.envelopes()
    reply, same = ahead.envelopes()
    assert one.date == reply.date
    assert same.date > reply.date


async def test_silent_websocket_peer_is_dropped(server, clock):
    silent, chatty = FakeStream(), FakeStream()
    one = await open_peer(server, silent, "silent")
    other = await open_peer(server, chatty, "chatty")
    for _ in range(16):
        clock.seconds += 5
        server.tick()
        other.receive(".")
        for connection in (one, other):
            if not connection.is_closed:
                connection.beat()
    assert silent.closed_with is not None
    assert silent.closed_with[0] == SILENT_CLOSURE
    assert chatty.closed_with is None


async def test_http_peer_may_be_silent_but_must_read(server, clock):
    quiet, stuck = FakeStream(framed=True), FakeStream(framed=True)
    one = await open_peer(server, quiet, "quiet")
    other = await open_peer(server, stuck, "stuck")
    stuck.is_blocked = True
    for _ in range(20):
        clock.seconds += 5
        server.tick()
        for connection in (one, other):
            if not connection.is_closed:
                connection.beat()
        await settle()
    assert quiet.closed_with is None
    assert stuck.closed_with is not None
    assert stuck.closed_with[0] == SILENT_CLOSURE
