"""Messages in pieces on their way to a peer: order, beats, what comes back, what counts."""

import pytest

from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.delivery import form_index
from django_vortex.server.outbox import Outbox
from django_vortex.server.texts import NumberedText, flatten, get_pieced, measure, reframe
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.pieces import PIECE_BYTES
from django_vortex.wire.reserved import SILENT_CLOSURE, SLOW_CLOSURE
from tests.unit.server.fakes import (
    CODEC,
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    make_server,
    message,
    note,
    open_peer,
    serve,
    settle,
)

NATIVE = Dialect.NATIVE
LONG = "x" * 600_000
WS = form_index(NATIVE, False)


class Paced(FakeStream):
    """A stream whose peer reads one frame when it is told to; the first is the introduction."""

    def __init__(self):
        super().__init__()
        self.permits = 1

    @property
    def is_full(self):
        return self.permits == 0

    async def send(self, text):
        await super().send(text)
        self.permits -= 1

    async def step(self):
        self.permits += 1
        self.unblock()
        await settle()


def kinds(stream):
    """What came, in short: t for a text, b for a beat, p for a piece."""
    return "".join(
        "p" if isinstance(one, bytes) else "b" if one == "." else "t" for one in stream.received[1:]
    )


async def test_pieces_follow_their_text_and_nothing_stands_between():
    server, stream = make_server(), FakeStream()
    await open_peer(server, stream, dialect=NATIVE)
    for value in ("a", LONG, "b", LONG):
        server.push(note(value))
    assert kinds(stream) == "ttppptt" + "ppp"
    assert stream.values() == ["a", LONG, "b", LONG]
    await server.stop(0)


async def test_beats_stand_between_the_pieces_of_a_slow_peer():
    clock = FakeClock()
    server, stream = make_server(clock, heartbeat_seconds=1), Paced()
    connection = await open_peer(server, stream, dialect=NATIVE)
    server.push(note(LONG))
    server.push(note("after"))
    for number in range(9):
        clock.seconds += 1
        server.now = connection.heard_at = clock.seconds
        if not number % 2:
            connection.beat()
        await stream.step()
    assert kinds(stream) == "tbpbpbpbt"
    assert stream.values() == [LONG, "after"]
    await server.stop(0)


async def test_peer_that_reads_no_piece_is_closed_as_silent():
    clock = FakeClock()
    server, stream = make_server(clock, heartbeat_seconds=1, peer_timeout_seconds=10), FakeStream()
    connection = await open_peer(server, stream, dialect=NATIVE)
    stream.is_blocked = True
    server.push(note(LONG))
    for _ in range(12):
        clock.seconds += 1
        server.now = connection.heard_at = clock.seconds
        connection.beat()
    assert stream.closed_with is not None
    assert stream.closed_with[0] == SILENT_CLOSURE
    await server.stop(0)


async def test_message_counts_with_all_its_bytes():
    server, stream = make_server(outbox_max_bytes=1_000_000), FakeStream()
    await open_peer(server, stream, dialect=NATIVE)
    stream.is_blocked = True
    server.push(note("x" * 400_000))
    server.push(note("x" * 400_000))
    assert stream.closed_with is None
    server.push(note("x" * 400_000))
    assert stream.closed_with is not None
    assert stream.closed_with[0] == SLOW_CLOSURE
    await server.stop(0)


async def test_message_over_the_limit_is_refused():
    server, stream = make_server(outbox_max_bytes=100_000), FakeStream()
    await open_peer(server, stream, dialect=NATIVE)
    server.push(note(LONG))
    (answer,) = stream.envelopes(NATIVE)
    assert "exceeds outbox_max_bytes (100000)" in answer.result["text"]
    await server.stop(0)


@pytest.mark.parametrize("arrived", range(4))
async def test_new_stream_gets_the_whole_message_again(arrived):
    server, old, new = make_server(), Paced(), FakeStream()
    await open_peer(server, old, dialect=NATIVE)
    server.push(note(LONG))
    server.push(note("after"))
    for _ in range(arrived):
        await old.step()
    assert kinds(old) == "tppp"[:arrived]
    await open_peer(server, new, dialect=NATIVE)
    await settle()
    assert new.values() == [LONG, "after"]
    await server.stop(0)


async def test_message_goes_to_http_in_one_text():
    server, old, new = make_server(), FakeStream(), FakeStream(framed=True)
    await open_peer(server, old, dialect=NATIVE)
    old.is_blocked = True
    server.push(note(LONG))
    await settle()
    await open_peer(server, new, dialect=NATIVE)
    await settle()
    assert new.values() == [LONG]
    assert not any(isinstance(one, bytes) for one in new.received)
    await server.stop(0)


async def test_message_goes_to_another_process_in_one_text():
    bus, clock = Bus(), FakeClock()
    a, b = (make_server(clock, fan_out=FakeFanOut(bus, name)) for name in "AB")
    for server in (a, b):
        await server.start()
    bus.carry_all()
    old, new = FakeStream(), FakeStream()
    connection = await open_peer(a, old, dialect=NATIVE)
    bus.carry_all()
    old.is_blocked = True
    connection.send(note(LONG))  # a reply: nobody else has it
    await settle()
    clock.seconds += 10
    await open_peer(b, new, dialect=NATIVE)
    bus.carry_all()
    await settle()
    assert new.values() == [LONG]
    for server in (a, b):
        await server.stop(0)


async def test_request_in_pieces_is_answered():
    payload_io = PayloadIO()

    async def answer(request):
        return request.payload.tuples

    endpoint = serve(payload_io, "test.note", answer)
    server, stream = make_server(payload_io=payload_io), FakeStream()
    connection = await open_peer(server, stream, dialect=NATIVE)
    text = message(note(LONG), NATIVE)
    connection.receive(str(text))
    for piece in get_pieced(text).pieces():
        connection.receive(".")
        connection.receive(piece)
    await settle(100)
    for _ in range(1000):
        if len(stream.received) > 1:
            break
        await settle(10)
    assert stream.values() == [LONG]
    payload_io.remove(endpoint)
    await server.stop(0)


async def test_message_whose_pieces_do_not_come_is_told_and_the_peer_stays():
    clock = FakeClock()
    server, stream = make_server(clock, peer_timeout_seconds=10), FakeStream()
    connection = await open_peer(server, stream, dialect=NATIVE)
    connection.receive(str(message(note(LONG, id=5), NATIVE)))
    for _ in range(13):
        clock.seconds += 1
        server.now = clock.seconds
        connection.receive(".")
        connection.beat()
    (answer,) = stream.envelopes(NATIVE)
    assert answer.filt == {"key": "test.note", "id": 5}
    assert answer.result["error"] == "malformed"
    assert stream.closed_with is None
    await server.stop(0)


def test_texts_with_pieces_are_measured_and_flattened():
    text = message(note(LONG), NATIVE)
    numbered = NumberedText(text, "A", 7)
    for one in (text, numbered):
        assert measure(one) > len(LONG)
        assert len(flatten(one)) < 10_000
        assert get_pieced(one) is text
        assert get_pieced(reframe(one, framed=False, has_pieces=True)) is text
        assert get_pieced(reframe(one, framed=False, has_pieces=False)) is None
        assert reframe(one, framed=True, has_pieces=True).endswith(".")
    assert NumberedText(*numbered.to_record()).pieced is None
    outbox = Outbox()
    outbox.add_first([numbered])
    assert outbox.size == measure(text) > 2 * PIECE_BYTES
    assert CODEC is not None
