"""The server of one process: who is let in, who gets what, what is due when, and the end."""

import asyncio
import contextlib

import pytest

from django_vortex.exceptions import (
    DefinitionError,
    DeliveryError,
    RefusedError,
    TakenByAnother,
    TooManyPeers,
)
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server import tasks
from django_vortex.server.identity import Identity
from django_vortex.wire.dialects import Dialect
from tests.unit.server.fakes import (
    ADDRESS,
    SERVER_UUID,
    Bus,
    FakeFanOut,
    FakeStream,
    infos,
    make_server,
    message,
    note,
    open_peer,
    serve,
    settle,
)


async def test_push_reaches_every_peer_and_is_encoded_once(clock):
    server = make_server(clock)
    streams = [FakeStream() for _ in range(5)]
    for index, stream in enumerate(streams):
        await open_peer(server, stream, f"peer {index}")
    assert server.push(note("news")) == 5
    texts = {id(stream.received[-1]) for stream in streams}
    assert len(texts) == 1
    assert all(stream.values() == ["news"] for stream in streams)
    await server.stop(0)


async def test_push_to_a_uuid_a_name_or_a_user_reaches_only_those(clock):
    server = make_server(clock)
    one, two, three = FakeStream(), FakeStream(), FakeStream()
    await open_peer(server, one, "one", name="desk")
    await open_peer(server, two, "two", name="web", identity=Identity("user", "7", ADDRESS))
    await open_peer(server, three, "three", name="desk", identity=Identity("user", "7", ADDRESS))
    assert server.push(note("to one"), Address(uuid="one")) == 1
    assert server.push(note("to desks"), Address(name="desk")) == 2
    assert server.push(note("to user"), Address(user=7)) == 2
    assert server.push(note("to both"), Address(name="desk", user=7)) == 1
    assert server.push(note("to nobody"), Address(uuid="four")) == 0
    assert one.values() == ["to one", "to desks"]
    assert two.values() == ["to user"]
    assert three.values() == ["to desks", "to user", "to both"]
    await server.stop(0)


async def test_push_that_can_not_be_encoded_is_the_callers_error(clock):
    server = make_server(clock, fan_out=FakeFanOut(Bus(), "A"))
    with pytest.raises(DefinitionError):
        server.push(note(object()))
    await server.stop(0)


async def test_push_for_one_peer_that_fails_spares_the_others(clock, caplog):
    class Failing(FakeStream):
        def send(self, text):
            if "news" in text:
                raise MemoryError
            return super().send(text)

    server = make_server(clock)
    bad, good = Failing(), FakeStream()
    await open_peer(server, bad, "bad")
    await open_peer(server, good, "good")
    server.push(note("x", key="news"))
    assert good.values() == ["x"]
    assert "could not be written" in caplog.text
    await server.stop(0)


async def test_live_peer_is_not_given_to_another_identity(clock):
    server = make_server(clock)
    first, second = FakeStream(framed=True), FakeStream(framed=True)
    connection = await open_peer(server, first, identity=Identity("user", "7", ADDRESS))
    with pytest.raises(TakenByAnother):
        await open_peer(server, second, identity=Identity("user", "8", ADDRESS))
    connection.detach(first)
    with pytest.raises(TakenByAnother):
        await open_peer(server, second, identity=Identity("user", "8", ADDRESS))
    assert second.sends == 0
    await server.stop(0)


async def test_anybody_may_be_a_peer_whose_hold_has_expired_and_gets_nothing_of_it(clock):
    server = make_server(clock, hold_seconds=30)
    first, second = FakeStream(framed=True), FakeStream(framed=True)
    connection = await open_peer(server, first, identity=Identity("user", "7", ADDRESS))
    connection.detach(first)
    server.push(note("secret"))
    clock.seconds += 29
    server.tick()
    assert "peer" in server.connections
    clock.seconds += 1
    server.tick()
    assert not server.connections
    assert connection.waiting == 0
    await open_peer(server, second, identity=Identity("user", "8", ADDRESS))
    assert second.values() == []
    await server.stop(0)


async def test_peers_are_held_each_for_its_own_time(clock):
    server = make_server(clock, hold_seconds=30)
    for second in range(3):
        stream = FakeStream(framed=True)
        connection = await open_peer(server, stream, f"peer {second}")
        clock.seconds += 10
        connection.detach(stream)
    clock.seconds += 10
    server.tick()
    assert list(server.connections) == ["peer 1", "peer 2"]
    await open_peer(server, FakeStream(framed=True), "peer 1")
    clock.seconds += 100
    server.tick()
    assert list(server.connections) == ["peer 1"]
    await server.stop(0)


async def test_new_peers_are_throttled_and_known_ones_never(clock):
    server = make_server(clock, throttle_peers_per_address=2)
    stream = FakeStream(framed=True)
    await open_peer(server, stream, "one")
    await open_peer(server, FakeStream(framed=True), "two")
    with pytest.raises(TooManyPeers) as caught:
        await open_peer(server, FakeStream(framed=True), "three")
    assert caught.value.retry_after == 10
    for _ in range(50):
        await open_peer(server, FakeStream(framed=True), "one")
    clock.seconds += 10
    await open_peer(server, FakeStream(framed=True), "three")
    await server.stop(0)


async def test_every_peer_is_sent_one_heartbeat_in_a_period(clock):
    server = make_server(clock, heartbeat_seconds=5.0)
    streams = []
    for index in range(20):
        streams.append(FakeStream())
        await open_peer(server, streams[-1], f"peer {index}")
        server.tick()
    for _ in range(3 * 50):
        clock.seconds += 0.1
        server.tick()
    beats = [stream.received.count(".") for stream in streams]
    assert set(beats) == {3}
    await server.stop(0)


async def test_heartbeats_are_spread_over_the_period(clock):
    server = make_server(clock, heartbeat_seconds=1.0)
    streams = [FakeStream() for _ in range(10)]
    for index, stream in enumerate(streams):
        await open_peer(server, stream, f"peer {index}")
        server.tick()
    beaten = []
    for _ in range(10):
        before = sum(stream.received.count(".") for stream in streams)
        server.tick()
        beaten.append(sum(stream.received.count(".") for stream in streams) - before)
    assert beaten == [1] * 10
    await server.stop(0)


async def test_timer_of_the_server_beats_by_itself(clock):
    server = make_server(clock, heartbeat_seconds=0.01)
    stream = FakeStream()
    await open_peer(server, stream)
    async with asyncio.timeout(60):
        while stream.received.count(".") < 3:
            await asyncio.sleep(0.005)
    await server.stop(0)


async def test_running_requests_may_end_before_the_server_does(clock):
    payload_io = PayloadIO()
    gate = asyncio.Event()

    async def wait(request):
        await gate.wait()
        return request.tuples

    _endpoint = serve(payload_io, "wait", wait)
    server = make_server(clock, payload_io=payload_io)
    stream = FakeStream()
    connection = await open_peer(server, stream)
    connection.receive(message(note("a", key="wait")))
    stopping = asyncio.ensure_future(server.stop(60))
    await settle()
    assert server.is_draining
    assert stream.closed_with is None
    connection.receive(message(note("b", key="wait")))
    (refusal,) = stream.envelopes()
    assert refusal.result == "The server is shutting down"
    with pytest.raises(RefusedError):
        await open_peer(server, FakeStream(), "late")
    gate.set()
    await stopping
    assert stream.values() == ["a"]
    assert stream.closed_with == (1000, "The server is shutting down")


async def test_replies_of_one_turn_are_written_in_a_row(clock):
    payload_io = PayloadIO()
    server = make_server(clock, payload_io=payload_io)
    done = []

    class NotedStream(FakeStream):
        async def send(self, text):
            await super().send(text)
            done.append("written")

    async def answer(request):
        done.append("answered")
        return [request.peer.uuid]

    _endpoint = serve(payload_io, "x", answer)
    streams = [NotedStream() for _ in range(3)]
    peers = [await open_peer(server, one, f"peer {i}") for i, one in enumerate(streams)]
    done.clear()
    for peer in peers:
        peer.receive(message(note(key="x")))
    await settle()
    assert done == ["answered"] * 3 + ["written"] * 3
    assert [stream.values() for stream in streams] == [["peer 0"], ["peer 1"], ["peer 2"]]
    await server.stop(0)


async def test_reply_for_one_peer_that_fails_spares_the_others(clock, caplog):
    class Failing:
        def send(self, envelope):
            raise MemoryError

    server = make_server(clock)
    stream = FakeStream()
    peer = await open_peer(server, stream)
    server.replies.send_soon(Failing(), [note("bad")])
    server.replies.send_soon(peer, [note("good")])
    await settle()
    assert stream.values() == ["good"]
    assert "A reply could not be written for a peer" in caplog.text
    await server.stop(0)


async def test_reply_that_is_ready_goes_out_before_the_server_ends(clock):
    payload_io = PayloadIO()
    server = make_server(clock, payload_io=payload_io)
    stream = FakeStream()
    peer = await open_peer(server, stream)
    stopping = []

    async def answer(request):
        stopping.append(asyncio.create_task(server.stop(0)))
        return ["answer"]

    _endpoint = serve(payload_io, "x", answer)
    peer.receive(message(note(key="x")))
    await settle()
    await stopping[0]
    assert stream.values() == ["answer"]


async def test_requests_that_do_not_end_are_cancelled_when_the_server_ends(clock):
    payload_io = PayloadIO()
    ended = []

    async def wait(request):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(request.tuples)

    _endpoint = serve(payload_io, "wait", wait)
    server = make_server(clock, payload_io=payload_io)
    connection = await open_peer(server, FakeStream())
    connection.receive(message(note("a", key="wait")))
    await settle()
    await server.stop(0)
    assert ended == [["a"]]
    assert len(asyncio.all_tasks()) == 1


async def test_stopped_server_leaves_no_blocked_write_behind(clock):
    class Stuck(FakeStream):
        def close(self, code, reason, last_text=""):
            self.closed_with = (code, reason)  # and the blocked send goes on blocking

    server = make_server(clock)
    stream = Stuck()
    await open_peer(server, stream)
    stream.is_blocked = True
    server.push(note(1))
    await settle()
    await server.stop(0)
    await server.stop(0)
    assert len(asyncio.all_tasks()) == 1


async def test_layer_that_takes_nothing_keeps_nothing_from_local_peers(clock, caplog):
    fan_out = FakeFanOut(Bus(), "A")
    server = make_server(clock, fan_out=fan_out)
    stream = FakeStream()
    await open_peer(server, stream)
    fan_out.failure = DeliveryError("full")
    reported = []
    assert server.push(note(1), report_sent=reported.append) == 1
    assert stream.values() == [1]
    assert reported == [fan_out.failure]
    await server.stop(0)


async def test_push_for_a_local_peer_does_not_cross_the_layer(clock):
    fan_out = FakeFanOut(Bus(), "A")
    server = make_server(clock, fan_out=fan_out)
    await open_peer(server, FakeStream())
    before = len(fan_out.published)
    server.push(note(1), Address(uuid="peer"))
    assert len(fan_out.published) == before
    server.push(note(1), Address(uuid="elsewhere"))
    assert len(fan_out.published) == before + 1
    await server.stop(0)
    assert fan_out.is_stopped


async def test_introduction_is_renewed_with_time(clock):
    server = make_server(clock)
    first, second, third = FakeStream(), FakeStream(), FakeStream()
    await open_peer(server, first, "1")
    await open_peer(server, second, "2")
    clock.seconds += 2
    await open_peer(server, third, "3")
    assert first.received == second.received
    assert first.received != third.received
    assert infos(third) == [SERVER_UUID]
    await server.stop(0)


async def test_peers_of_all_dialects_read_the_same_push(clock):
    server = make_server(clock)
    streams = {dialect: FakeStream(framed=dialect is Dialect.D0) for dialect in Dialect}
    for dialect, stream in streams.items():
        await open_peer(server, stream, dialect.value, dialect=dialect)
    server.push(note("x", 1, None))
    for dialect, stream in streams.items():
        (envelope,) = stream.envelopes(dialect)
        assert envelope.decode_payload(server.codec).tuples == ["x", 1, None]
    await server.stop(0)


class SlowFanOut(FakeFanOut):
    """Takes a while to be joined."""

    def __init__(self):
        super().__init__(Bus(), "A")
        self.gate = asyncio.Event()
        self.starts = 0

    async def start(self, receive, report_gap=None):
        self.starts += 1
        await self.gate.wait()
        await super().start(receive, report_gap)


async def test_first_push_of_a_server_without_peers_starts_the_fan_out(clock):
    fan_out = SlowFanOut()
    fan_out.gate.set()
    server = make_server(clock, fan_out=fan_out)
    server.push(note(1))
    await settle()
    assert fan_out.receive is not None
    assert [record["kind"] for record in fan_out.published] == ["push", "presence"]
    await server.stop(0)


async def test_push_after_the_end_starts_nothing_again(clock):
    fan_out = SlowFanOut()
    fan_out.gate.set()
    server = make_server(clock, fan_out=fan_out)
    await server.start()
    await server.stop(0)
    assert server.push(note(1)) == 0
    await settle()
    assert fan_out.starts == 1
    assert len(asyncio.all_tasks()) == 1


async def test_peer_that_leaves_while_the_server_starts_does_not_stop_the_start(clock):
    fan_out = SlowFanOut()
    server = make_server(clock, fan_out=fan_out)
    first = asyncio.create_task(open_peer(server, FakeStream(), "first"))
    second = asyncio.create_task(open_peer(server, FakeStream(), "second"))
    await settle()
    first.cancel()
    await settle()
    assert not second.done()
    fan_out.gate.set()
    await second
    assert fan_out.starts == 1
    assert fan_out.receive is not None
    assert list(server.connections) == ["second"]
    await server.stop(0)


async def test_handler_that_refuses_to_be_cancelled_does_not_keep_the_server(clock, monkeypatch):
    monkeypatch.setattr(tasks, "CANCEL_SECONDS", 0.01)
    may_end = asyncio.Event()

    async def insist(request):
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()

    payload_io = PayloadIO()
    _endpoint = serve(payload_io, "insist", insist)
    server = make_server(clock, payload_io=payload_io)
    connection = await open_peer(server, FakeStream())
    connection.receive(message(note("a", key="insist")))
    await settle()
    (task,) = connection.requests.tasks
    await asyncio.wait_for(server.stop(0), 60)
    assert not task.done()
    may_end.set()
    await settle()
    assert task.done()


async def test_late_loop_stretches_no_period(clock):
    server = make_server(clock, heartbeat_seconds=1.0)
    stream = FakeStream()
    await open_peer(server, stream)
    before = stream.received.count(".")
    for _ in range(4):  # a tick each three tenths of a second, where there should be three
        clock.seconds += 0.3
        server._ticker.run()
    assert stream.received.count(".") == before + 1
    await server.stop(0)
