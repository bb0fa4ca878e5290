"""A server that stops sends its peers to another process, and nothing of theirs is lost."""

import asyncio
from contextlib import suppress

import pytest

from django_vortex.client.core import Core
from django_vortex.client.endings import Ending, read_ending
from django_vortex.exceptions import ShuttingDown
from django_vortex.routing.peer import Peer
from django_vortex.server import departure
from django_vortex.server.departure import MAX_SPAN, MIN_SPAN, get_span
from django_vortex.server.identity import Identity
from django_vortex.wire.dialects import get_native
from django_vortex.wire.framing import reframe
from django_vortex.wire.opening import read_opening
from django_vortex.wire.payload import Payload
from tests.unit.server.fakes import (
    CODEC,
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    make_server,
    note,
    open_peer,
    receive_body,
    serve,
    settle,
)

ADDRESS = "192.0.2.1"
NATIVE = get_native(2)


class Visitor:
    """A client of ours, by its real core, on streams that the test opens."""

    def __init__(self, uuid="peer", *, framed=False):
        self.core = Core(uuid, "test", CODEC)
        self.stream = None
        self.connection = self.server = None
        self.framed = framed
        self.pushed, self.outcomes = [], []
        self.lost = False
        self.core.listeners.add({"key": "test.note"}, self._hear)
        self._read = 0

    async def come(self, server):
        self.leave()
        self.core.begin(0.0, framed=self.framed)
        await self._open(server, continues=False)
        self.talk()

    async def ask(self, key, *values):
        payload = Payload({"key": key}, tuples=list(values))
        _, message = self.core.request({"key": key}, payload, None, 0.0, self.outcomes.append)
        self.core.outgoing.put(message)
        if not self.framed:
            self.talk()
            return
        body = "".join(reframe(one.text, framed=True) for one in self.core.take(0.0))
        await self._open(self.server, continues=True)
        receive_body(self.connection, body)
        self.talk()

    async def _open(self, server, *, continues):
        opening = read_opening(self.core.session.make_opening(continues=continues))
        stream, self.server = FakeStream(framed=self.framed), server
        identity = Identity("address", ADDRESS, ADDRESS, "digest of its key")
        peer = Peer(uuid=self.core.uuid, name="test", address=ADDRESS)
        self.connection = await server.open(peer, identity, stream, dialect=NATIVE, opening=opening)
        if continues:  # the response before this one is read to its end
            self.talk()
            self.core.receive("", 0.0)
        self.stream, self._read = stream, 0

    def talk(self):
        """Hear what has come, say what waits; return how the stream ends, if it does."""
        ending = None
        while self._read < len(self.stream.received) and ending is None:
            text = str(self.stream.received[self._read])
            self._read += 1
            ending = self.core.receive(text, 0.0)
        self.lost |= self.core.losses.take() is not None
        if not self.framed and ending is None:
            for message in self.core.take(0.0):
                self.connection.receive(message.text)
        return ending

    def leave(self):
        if self.stream is None:
            return
        self.core.end(Ending("left"), 0.0)
        self.connection.detach(self.stream)
        self.stream = None

    @property
    def answers(self):
        return [
            outcome if isinstance(outcome, Exception) else outcome.decode_payload(CODEC).tuples
            for outcome in self.outcomes
        ]

    def _hear(self, envelope):
        self.pushed += envelope.decode_payload(CODEC).tuples


class Project:
    """Two processes, and a bus that carries by itself."""

    def __init__(self, payload_io):
        self.clock, self.bus = FakeClock(), Bus()
        self.a, self.b = (
            make_server(self.clock, fan_out=FakeFanOut(self.bus, name), payload_io=payload_io)
            for name in "AB"
        )

    async def carry(self):
        while True:
            self.bus.carry_all()
            self.clock.seconds += 0.01
            for server in (self.a, self.b):
                server.tick()
            await asyncio.sleep(0.002)


@pytest.fixture
async def project(payload_io, monkeypatch):
    monkeypatch.setattr(departure, "POLL_SECONDS", 0.002)
    project = Project(payload_io)
    carrying = asyncio.create_task(project.carry())
    await project.a.start()
    await project.b.start()
    await asyncio.sleep(0.01)
    yield project
    await project.a.stop(0)
    await project.b.stop(0)
    carrying.cancel()
    with suppress(asyncio.CancelledError):
        await carrying


async def until(is_so):
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.002)


async def told_to_move(visitor):
    def is_told():
        visitor.talk()
        return visitor.core.move_span is not None

    await until(is_told)


@pytest.mark.parametrize("framed", [False, True], ids=["websocket", "http"])
async def test_peer_moves_with_all_that_is_its_own(project, payload_io, framed):
    gate = asyncio.Event()

    async def wait(request):
        await gate.wait()
        return request.tuples

    endpoints = [serve(payload_io, "test.wait", wait)]
    visitor = Visitor(framed=framed)
    await visitor.come(project.a)
    await visitor.ask("test.wait", 1)
    await settle()
    project.a.push(note("before"))
    stopping = asyncio.create_task(project.a.stop(60))
    await told_to_move(visitor)
    assert visitor.core.move_span == MIN_SPAN
    project.a.push(note("meanwhile"))
    visitor.leave()
    project.a.push(note("away"))
    project.b.push(note("elsewhere"))
    await visitor.come(project.b)
    await until(lambda: project.b.connections and not project.a.connections)
    project.a.push(note("behind"))
    await until(lambda: visitor.talk() or len(visitor.pushed) == 5)
    assert not stopping.done(), "the request that has begun is not finished"
    gate.set()
    await until(lambda: visitor.talk() or visitor.outcomes)
    await stopping
    assert visitor.pushed[:3] == ["before", "meanwhile", "away"]
    assert sorted(visitor.pushed[3:]) == ["behind", "elsewhere"]
    assert visitor.answers == [[1]]
    assert not visitor.lost
    assert visitor.core.is_resumed
    for endpoint in endpoints:
        endpoint.close()


@pytest.mark.parametrize("framed", [False, True], ids=["websocket", "http"])
async def test_peer_may_ask_until_it_has_left(project, payload_io, framed):
    endpoint = serve(payload_io, "test.echo", lambda request: request.tuples)
    visitor, released = Visitor(framed=framed), FakeStream()
    await visitor.come(project.a)
    old = await open_peer(project.a, released, "released")
    stopping = asyncio.create_task(project.a.stop(60))
    await told_to_move(visitor)
    await visitor.ask("test.echo", 7)
    await until(lambda: visitor.talk() or visitor.outcomes)
    assert visitor.answers == [[7]]
    assert old.stream is released, "released clients are served as ever"
    with pytest.raises(ShuttingDown) as refused:
        await visitor.come(project.a)
    assert refused.value.retry_after == 0
    await visitor.come(project.b)
    await stopping
    assert released.closed_with[0] == 1000
    assert visitor.core.is_resumed
    endpoint.close()


async def test_stream_that_its_peer_does_not_leave_is_ended(project, monkeypatch):
    monkeypatch.setattr(departure, "GRACE_SECONDS", 0.0)
    visitor = Visitor()
    await visitor.come(project.a)
    stopping = asyncio.create_task(project.a.stop(60))
    await until(lambda: visitor.stream.closed_with is not None)
    code, reason = visitor.stream.closed_with
    ending = read_ending(code, reason)
    assert ending.is_move
    assert not stopping.done(), "its session is kept until another process has it"
    await visitor.come(project.b)
    await stopping
    assert visitor.core.is_resumed


async def test_peer_that_does_not_come_back_holds_nobody_up_for_ever(project, caplog):
    visitor = Visitor()
    await visitor.come(project.a)
    await project.a.stop(0.3)
    assert visitor.stream.closed_with[0] == 4012
    assert "No other process has taken over 1 peers" in caplog.text


async def test_process_that_was_not_heard_of_takes_peers_over(project):
    visitor = Visitor()
    await visitor.come(project.a)
    for process in project.a.processes.live:
        project.a.processes.leave(process)
    stopping = asyncio.create_task(project.a.stop(60))
    await told_to_move(visitor)
    await visitor.come(project.b)
    await stopping
    assert visitor.core.is_resumed


async def test_peer_that_leaves_before_its_first_process_knows_that_nobody_else_has_it(project):
    visitor = Visitor()
    await visitor.come(project.a)
    project.b.push(note("at once"))
    await visitor.come(project.b)  # whose answer to the other process is that this one is newer
    await until(lambda: visitor.talk() or visitor.pushed)
    assert visitor.pushed == ["at once"]
    assert not visitor.lost


async def test_many_peers_move_while_both_processes_push(project):
    visitors = [Visitor(f"peer {number}") for number in range(50)]
    for one in visitors:
        await one.come(project.a)
    numbers = iter(range(10_000))
    stopping = asyncio.create_task(project.a.stop(60))

    async def push():
        while not stopping.done():
            for server in (project.a, project.b):
                server.push(note(next(numbers)))
            await asyncio.sleep(0.002)

    async def travel(visitor):
        await told_to_move(visitor)
        await asyncio.sleep(hash(visitor.core.uuid) % 100 / 1000)
        await visitor.come(project.b)

    await asyncio.gather(push(), *map(travel, visitors))
    await asyncio.sleep(0.05)
    last = next(numbers)
    for one in visitors:
        one.talk()
        assert sorted(one.pushed) == list(range(last))
        for half in (0, 1):  # each process numbers its own
            own = [number for number in one.pushed if number % 2 == half]
            assert own == sorted(own)
        assert not one.lost


async def test_lone_server_ends_sessions_and_says_when_to_come_back(clock, payload_io):
    server = make_server(clock, payload_io=payload_io)
    websocket, http = Visitor("one"), Visitor("two", framed=True)
    for one in (websocket, http):
        await one.come(server)
    await server.stop(60)
    code, reason = websocket.stream.closed_with
    assert (code, reason) == (4012, "1 s: The server is shutting down")
    ending = http.talk()
    assert ending.is_move
    assert ending.span_seconds == 1
    replacement = make_server(clock, payload_io=payload_io)
    for one in (websocket, http):
        await one.come(replacement)
        assert one.lost
    await replacement.stop(0)


def test_span_grows_with_the_number_of_peers():
    assert get_span(1) == MIN_SPAN
    assert get_span(400) == 2.0
    assert get_span(100_000) == MAX_SPAN


async def test_server_that_has_stopped_does_not_begin_anew_for_who_knocks(project):
    visitor = Visitor()
    await visitor.come(project.a)
    await project.a.stop(0)
    published = len(project.a._neighbours._fan_out.published)
    with pytest.raises(ShuttingDown):
        await Visitor("another").come(project.a)
    await settle()
    assert len(project.a._neighbours._fan_out.published) == published
