"""Sessions of one peer: what goes on, what begins anew, and who gets nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from django_vortex.exceptions import StaleStream, TakenByAnother
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.server.connection import Connection
from django_vortex.server.identity import Identity
from django_vortex.server.server import Server
from django_vortex.server.session import Session
from django_vortex.wire.counting import MAX_UNACKNOWLEDGED, TELL_MESSAGES
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.opening import Opening, SessionInfo, read_session_info
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import MALFORMED_CLOSURE, TOO_LONG_CLOSURE
from tests.unit.server.fakes import (
    CODEC,
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    make_server,
    message,
    note,
    serve,
    settle,
)

KEY = "k" * 22
OWNER = Identity("address", "192.0.2.1", "192.0.2.1", "digest")
GUESSER = Identity("address", "192.0.2.9", "192.0.2.9", "another digest")
PLAIN = Identity("address", "192.0.2.1", "192.0.2.1")
ANN = Identity("user", "7", "192.0.2.1", "digest")
BOB = Identity("user", "8", "192.0.2.9", "digest")


def opening(attempt: int, *, since: int = 1, received: int = 0, first: int = 1) -> Opening:
    return Opening(KEY, since, attempt, received, first)


async def begin(
    server: Server,
    stream: FakeStream,
    said: Opening | None,
    identity: Identity = OWNER,
) -> Connection:
    peer = Peer(uuid="peer", name="test", address=identity.address)
    return await server.open(peer, identity, stream, dialect=Dialect.NATIVE, opening=said)


def read_info(stream: FakeStream) -> SessionInfo | None:
    """What the newest introduction on a stream says of the session."""
    protocol = Protocol(
        CODEC, framed=stream.framed, dialect=Dialect.NATIVE, whole_frames=not stream.framed
    )
    infos = [
        event.envelope.filt.get("session")
        for text in stream.received
        for event in protocol.receive(str(text))
        if hasattr(event, "envelope") and "__vortexUuid__" in event.envelope.filt
    ]
    return read_session_info(infos[-1]) if infos else None


def counts(stream: FakeStream) -> list[str]:
    return [text for text in stream.received if "," in text and len(text) < 20]


@pytest.fixture
async def first(server: Server) -> tuple[Connection, FakeStream]:
    """A peer with a session that has got the pushes 1 to 3 written."""
    stream = FakeStream()
    connection = await begin(server, stream, opening(1, since=0))
    for number in (1, 2, 3):
        server.push(note(number))
    return connection, stream


async def test_new_session_says_so_and_counts_from_one(server):
    stream = FakeStream()
    await begin(server, stream, opening(1, since=0))
    assert read_info(stream) == SessionInfo(False, 1, 0, 1, 30.0)


async def test_peer_without_a_session_is_told_nothing_of_one(server):
    stream = FakeStream()
    connection = await begin(server, stream, None, PLAIN)
    assert read_info(stream) is None
    assert connection.session is None


async def test_what_was_not_acknowledged_comes_again_and_nothing_else(server, first):
    connection, stream = first
    connection.detach(stream)
    assert not connection.is_closed, "it is held, though it was a WebSocket"
    server.push(note(4))
    again = FakeStream()
    assert await begin(server, again, opening(2, received=1)) is connection
    assert read_info(again) == SessionInfo(True, 1, 0, 2, 30.0)
    assert again.values() == [2, 3, 4]


async def test_response_that_blocks_while_all_is_written_again_is_followed_by_the_rest(
    server, first
):
    connection, stream = first
    connection.detach(stream)
    blocking = FakeStream(framed=True, slot=2)  # takes the introduction and one message
    await begin(server, blocking, opening(2))
    await settle()
    blocking.read()
    following = FakeStream(framed=True)
    await begin(server, following, Opening(KEY, 1, 3, 1, 1, continues=True))
    assert read_info(following).first == 2
    assert blocking.values() + following.values() == [1, 2, 3]


@pytest.mark.parametrize("continues", [False, True])
@pytest.mark.parametrize("is_complete", [False, True])
async def test_response_that_has_ended_by_itself_is_followed_by_what_it_gave_back(
    server, continues, is_complete
):
    response = FakeStream(framed=True, slot=3)
    connection = await begin(server, response, opening(1, since=0))
    server.push(note(1))
    response.read()
    server.push(note(2))
    connection.detach(response, is_complete=is_complete)
    server.push(note(3))
    following = FakeStream(framed=True)
    await begin(server, following, Opening(KEY, 1, 2, 0, 1, continues=continues))
    skipped = continues and is_complete
    assert following.values() == ([2, 3] if skipped else [1, 2, 3])
    assert read_info(following).first == (2 if skipped else 1)
    connection.detach(following)
    again = FakeStream(framed=True)
    await begin(server, again, Opening(KEY, 1, 3, 0, 1, continues=True))
    assert again.values() == [1, 2, 3], "the promise is about the response before alone"


async def test_first_introduction_that_was_lost_loses_nothing_else(server, first):
    connection, stream = first
    connection.detach(stream)
    again = FakeStream()
    await begin(server, again, opening(2, since=0))
    assert read_info(again) == SessionInfo(True, 1, 0, 1, 30.0)
    assert again.values() == [1, 2, 3]


async def test_acknowledged_messages_are_forgotten(server, first):
    connection, stream = first
    connection.receive("2,0.")
    assert len(connection.session.window) == 1
    assert counts(stream)[-1] == "0,3.", "every count is answered"


async def test_requests_go_on_over_a_cut_and_run_once(server, payload_io):
    ran, go = [], asyncio.Event()

    async def work(request: Any) -> list[str]:
        ran.append(request.filt["n"])
        await go.wait()
        return [request.filt["n"]]

    endpoint = serve(payload_io, "test.work", work)
    stream = FakeStream()
    connection = await begin(server, stream, opening(1, since=0))
    connection.receive(message(note(key="test.work", n="one"), Dialect.NATIVE))
    await settle()
    connection.detach(stream)
    again = FakeStream()
    await begin(server, again, opening(2))
    assert read_info(again).received == 1
    go.set()
    await settle()
    assert ran == ["one"]
    assert again.values() == ["one"]
    assert endpoint


async def test_body_that_comes_again_is_not_taken_twice(server, payload_io):
    ran = []

    async def work(request: Any) -> None:
        ran.append(request.filt["n"])

    endpoint = serve(payload_io, "test.work", work)
    connection = await begin(server, FakeStream(framed=True, slot=9), opening(1, since=0))
    for attempt, first, numbers in ((2, 1, (1, 2)), (3, 1, (1, 2, 3)), (4, 3, (3, 4))):
        stream = FakeStream(framed=True, slot=9)
        await begin(server, stream, opening(attempt, first=first))
        protocol = Protocol(CODEC, framed=True, dialect=Dialect.NATIVE)
        texts = (message(note(key="test.work", n=n), Dialect.NATIVE, framed=True) for n in numbers)
        connection.receive_events(protocol.receive("".join(texts)), Dialect.NATIVE)
        await settle()
        connection.tell_counts()
        stream.read()
        assert counts(stream)[-1].startswith(f"{numbers[-1]},")
    assert sorted(ran) == [1, 2, 3, 4]
    assert endpoint


async def test_peer_hears_what_has_arrived_after_so_many_messages(server):
    stream = FakeStream()
    connection = await begin(server, stream, opening(1, since=0))
    for _ in range(TELL_MESSAGES - 1):
        connection.receive(message(note(key="test.nobody"), Dialect.NATIVE))
    told = counts(stream)
    connection.receive(message(note(key="test.nobody"), Dialect.NATIVE))
    new = [one for one in counts(stream) if one not in told]
    assert [one.partition(",")[0] for one in new] == [str(TELL_MESSAGES)]


async def test_beat_of_a_session_counts(server, first, clock):
    _, stream = first
    server.peers.get("peer").beat()
    assert counts(stream) == ["0,3."]


async def test_counts_that_cannot_be_end_the_stream_and_not_the_session(server, first):
    connection, stream = first
    for wrong in ("4,0.", "1,7."):
        connection.receive(wrong)
        assert stream.closed_with[0] == MALFORMED_CLOSURE
        assert not connection.is_closed
        stream = FakeStream()
        attempt = connection.session.attempt + 1
        await begin(server, stream, opening(attempt))
        assert read_info(stream).resumed


async def test_peer_that_never_acknowledges_is_written_no_more(server, clock):
    stream = FakeStream()
    connection = await begin(server, stream, opening(1, since=0))
    for number in range(MAX_UNACKNOWLEDGED + 500):
        server.push(note(number))
    assert len(stream.values()) == MAX_UNACKNOWLEDGED
    assert connection.waiting == 500
    connection.receive(f"{MAX_UNACKNOWLEDGED},0.")
    assert len(stream.values()) == MAX_UNACKNOWLEDGED + 500
    for number in range(MAX_UNACKNOWLEDGED + server.options.outbox_max_messages):
        server.push(note(number))
    assert connection.is_closed, "what waits for it has a limit"


async def test_nothing_overtakes_what_waits_for_an_acknowledgement(server):
    stream = FakeStream()
    connection = await begin(server, stream, opening(1, since=0))
    long = "x" * 900_000
    for number, text in enumerate((long, long, long, "short"), 1):
        server.push(note(number, text))
    connection.send(note(5, ""))
    assert stream.values()[::2] == [1, 2]
    connection.receive("1,0.")
    assert stream.values()[::2] == [1, 2, 3, 4, 5]


async def test_silent_websocket_is_held_and_not_closed(server, first, clock):
    connection, stream = first
    clock.seconds += server.options.peer_timeout_seconds + 1
    server.tick(100)
    assert stream.closed_with is not None
    assert not connection.is_closed
    clock.seconds += server.options.hold_seconds + 1
    server.tick()
    assert connection.is_closed, "nobody came back"


async def test_session_that_is_over_begins_anew(server, first, clock):
    connection, _ = first
    connection.close(1000, "over")
    again = FakeStream()
    other = await begin(server, again, opening(2, received=2))
    assert read_info(again) == SessionInfo(False, 2, 0, 1, 30.0)
    assert other is not connection
    assert again.values() == []


@pytest.mark.parametrize(
    "said",
    [
        opening(2, since=2),
        opening(2, received=4),
        opening(2, first=2),
    ],
)
async def test_what_does_not_fit_begins_a_new_session_with_nothing_of_the_old(server, first, said):
    connection, _ = first
    connection.receive("1,0.")
    again = FakeStream()
    other = await begin(server, again, said)
    assert other is not connection
    assert connection.is_closed
    assert not read_info(again).resumed
    assert again.values() == []


@pytest.mark.parametrize("framed", [False, True])
async def test_message_that_the_peer_does_not_take_is_replaced_by_an_error(server, framed):
    stream = FakeStream(framed=framed)
    connection = await begin(server, stream, opening(1, since=0))
    server.push(note(1))
    server.push(note("x" * 9000, key="test.long"))
    server.push(note(3))
    for attempt in (2, 3):
        connection.detach(stream, TOO_LONG_CLOSURE)
        stream = FakeStream(framed=framed)
        await begin(server, stream, opening(attempt, received=1))
    first, second = stream.envelopes(Dialect.NATIVE)[-2:]
    assert (first.filt["key"], first.result["error"]) == ("test.long", "limit")
    assert second.decode_payload(CODEC).tuples == [3]


# Hostile streams


@pytest.mark.parametrize("attempt", [1, 2])
async def test_old_attempts_are_refused_and_disturb_nobody(server, first, attempt):
    connection, _ = first
    await begin(server, (newest := FakeStream()), opening(2))
    with pytest.raises(StaleStream):
        await begin(server, (late := FakeStream()), opening(attempt))
    assert late.received == []
    assert connection.stream is newest
    assert newest.closed_with is None


@pytest.mark.parametrize("said", [opening(9), opening(9, since=0), None])
@pytest.mark.parametrize("identity", [GUESSER, PLAIN, Identity("user", "8", "192.0.2.9")])
@pytest.mark.parametrize("is_held", [False, True])
async def test_whoever_has_only_the_uuid_gets_nothing(server, first, said, identity, is_held):
    connection, stream = first
    if is_held:
        connection.detach(stream)
    with pytest.raises(TakenByAnother):
        await begin(server, (other := FakeStream()), said, identity)
    assert other.received == []
    assert not connection.is_closed
    await begin(server, (again := FakeStream()), opening(2, received=1))
    assert again.values() == [2, 3], "its attempt was not taken for the owner's"


async def test_stolen_key_is_of_no_use_to_another_user(server):
    stream = FakeStream()
    connection = await begin(server, stream, opening(1, since=0), ANN)
    server.push(note("for Ann"))
    for identity in (BOB, OWNER):
        with pytest.raises(TakenByAnother):
            await begin(server, FakeStream(), opening(2), identity)
    assert connection.stream is stream
    assert not connection.is_closed


async def test_visitor_goes_on_from_another_network_and_after_logging_in(server, first):
    connection, _ = first
    elsewhere = Identity("address", "198.51.100.7", "198.51.100.7", "digest")
    assert await begin(server, FakeStream(), opening(2), elsewhere) is connection
    assert await begin(server, FakeStream(), opening(3), ANN) is connection
    with pytest.raises(TakenByAnother):
        await begin(server, FakeStream(), opening(4), OWNER)


async def test_sessions_that_are_opened_and_dropped_end(server, clock):
    for number in range(100):
        stream = FakeStream()
        peer = Peer(uuid=f"peer{number}", name="test", address="192.0.2.1")
        identity = Identity("address", "192.0.2.1", "192.0.2.1", f"digest {number}")
        connection = await server.open(
            peer, identity, stream, dialect=Dialect.NATIVE, opening=opening(1, since=0)
        )
        connection.detach(stream)
    assert len(server.connections) == 100
    clock.seconds += server.options.hold_seconds + 1
    server.tick()
    assert not server.connections


def test_session_that_nobody_knows_yet_can_be_resumed_by_nothing():
    session = Session(3)
    assert not session.may_resume(opening(4, since=0))
    assert session.may_lead_to(opening(4, since=0))


# Other processes


class Project:
    """Two servers on a bus, with a peer at the first."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bus = Bus()
        self.a, self.b = (
            make_server(self.clock, fan_out=FakeFanOut(self.bus, name), payload_io=PayloadIO())
            for name in ("a", "b")
        )

    async def start(self) -> None:
        for server in (self.a, self.b):
            await server.start()
        self.bus.carry_all()
        self.clock.seconds += 10
        for server in (self.a, self.b):
            server.tick()

    async def open(self, server: Server, said: Opening, identity: Identity = OWNER) -> FakeStream:
        """Open a stream, and let all records arrive meanwhile."""
        stream = FakeStream()
        task = asyncio.create_task(begin(server, stream, said, identity))
        for _ in range(10):
            await settle()
            self.bus.carry_all()
        await asyncio.wait_for(task, 60)
        return stream


@pytest.fixture
async def project() -> AsyncIterator[Project]:
    project = Project()
    await project.start()
    yield project
    for server in (project.a, project.b):
        await server.stop(0)


async def test_session_moves_with_what_was_and_was_not_written(project):
    stream = await project.open(project.a, opening(1, since=0))
    for number in (1, 2):
        project.a.push(note(number))
    project.a.connections["peer"].detach(stream)
    project.b.push(note(3))
    project.bus.carry_all()
    again = await project.open(project.b, opening(2, received=1))
    assert read_info(again) == SessionInfo(True, 1, 0, 2, 30.0)
    assert again.values() == [2, 3]
    assert "peer" not in project.a.connections


async def test_killed_process_is_waited_for_once(project):
    await project.open(project.a, opening(1, since=0))
    project.bus.fan_outs[0].receive = None  # it takes nothing any more
    for attempt, waits in ((2, True), (4, False)):
        project.clock.seconds += 0.1
        stream = FakeStream()
        opened = asyncio.create_task(begin(project.b, stream, opening(attempt)))
        await settle()
        project.bus.carry_all()
        assert opened.done() is not waits
        project.clock.seconds += 1.1
        project.b.tick()
        await asyncio.wait_for(opened, 60)
        assert not read_info(stream).resumed
        project.b.connections["peer"].close(1000, "for the next attempt")


@pytest.mark.parametrize("identity", [GUESSER, PLAIN])
async def test_whoever_has_only_the_uuid_gets_nothing_at_another_process(project, identity):
    stream = await project.open(project.a, opening(1, since=0))
    project.a.push(note(1))
    with pytest.raises(TakenByAnother):
        await project.open(project.b, opening(2), identity)
    assert "peer" not in project.b.connections
    assert stream.closed_with is None
    project.a.push(note(2))
    assert stream.values() == [1, 2]


async def test_first_message_that_is_sent_again_elsewhere_ends_itself(project):
    stream = await project.open(project.a, opening(1, since=0))
    replayed = await project.open(project.b, opening(1, since=0))
    project.a.push(note(1))
    project.bus.carry_all()
    assert stream.values() == [1]
    assert replayed.values() == []
    assert replayed.closed_with is not None


async def test_push_to_a_peer_that_is_awaited_here_reaches_it_where_it_is(project):
    stream = await project.open(project.a, opening(1, since=0))
    opened = asyncio.create_task(begin(project.b, (again := FakeStream()), opening(2)))
    await settle()
    project.b.push(note("once"), Address(uuid="peer"))
    project.bus.carry(("b", "a"))  # the question
    for _ in range(10):
        await settle()
        project.bus.carry_all()
    await opened
    assert [*stream.values(), *again.values()].count("once") == 1
