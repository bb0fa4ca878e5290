"""Sending with a server in this process, and without one."""

import asyncio
import threading

import pytest

from django_vortex.exceptions import DefinitionError, DeliveryError
from django_vortex.routing.address import Address
from django_vortex.transports import hub, sending
from django_vortex.transports.publisher import Publisher
from django_vortex.transports.sending import push, send
from django_vortex.wire.payload import Payload
from tests.unit.server.fakes import FakeStream, note, open_peer
from tests.unit.transports.fake_layers import SharedLayer

SHARED = {"default": {"BACKEND": "tests.unit.transports.fake_layers.SharedLayer"}}


@pytest.fixture
async def server(settings):
    settings.CHANNEL_LAYERS = {}
    yield hub.get_server()
    await hub.stop()


@pytest.fixture
def publisher(settings, monkeypatch):
    settings.CHANNEL_LAYERS = SHARED
    publisher = Publisher()
    monkeypatch.setattr(sending, "_publisher", publisher)
    monkeypatch.setattr(hub, "current", lambda: None)
    yield publisher
    publisher.stop()


async def test_send_on_the_loop_of_the_server_is_done_at_once(server):
    stream = FakeStream()
    await open_peer(server, stream)
    future = send(Payload({"key": "a"}, tuples=[1]))
    assert future.result(0) == 1
    assert stream.values() == [1]


async def test_send_from_a_thread_does_not_wait_for_the_loop(server):
    stream = FakeStream()
    await open_peer(server, stream)
    futures = []
    thread = threading.Thread(target=lambda: futures.append(send(note("from a thread"))))
    thread.start()
    thread.join()
    assert not futures[0].done()
    assert await asyncio.wrap_future(futures[0]) == 1
    assert stream.values() == ["from a thread"]


async def test_send_from_one_thread_stays_in_order(server):
    stream = FakeStream()
    await open_peer(server, stream)

    def send_many():
        return [send(note(i)) for i in range(100)]

    futures = await asyncio.to_thread(send_many)
    await asyncio.wrap_future(futures[-1])
    assert stream.values() == list(range(100))


async def test_send_finds_peers_by_what_is_given(server):
    class User:
        pk = 7

    one = FakeStream()
    connection = await open_peer(server, one, "one", name="desk")
    assert send(note(1), to_peer="one").result(0) == 1
    assert send(note(2), to_peer=connection.peer).result(0) == 1
    assert send(note(3), to_name="desk").result(0) == 1
    assert send(note(4), to_name="web").result(0) == 0
    assert send(note(5), to_user=User()).result(0) == 0
    assert one.values() == [1, 2, 3]


async def test_lazy_tuples_are_read_where_send_is_called(server):
    await open_peer(server, FakeStream())
    readers = []

    def tuples():
        readers.append(threading.current_thread())
        yield 1

    def call():
        return threading.current_thread(), send(Payload({"key": "a"}, tuples=tuples()))

    caller, future = await asyncio.to_thread(call)
    assert readers == [caller]
    await asyncio.wrap_future(future)


def test_message_without_a_key_is_refused():
    with pytest.raises(DefinitionError, match="has no 'key'"):
        send(Payload({"kex": "people"}))
    with pytest.raises(DefinitionError, match="has no 'key'"):
        send(Payload())


async def test_message_that_can_not_be_encoded_is_refused_where_it_is_sent(server):
    with pytest.raises(DefinitionError):
        send(note(object()))


def test_send_that_can_reach_nobody_says_so_in_the_future_and_the_log(publisher, settings, caplog):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    future = send(note(1))
    with pytest.raises(DeliveryError, match="CHANNEL_LAYERS"):
        future.result(0)
    assert "reached nobody: No server runs in this process" in caplog.text
    settings.CHANNEL_LAYERS = SHARED
    assert send(note(1)).result(60) == 0


def test_process_without_a_server_sends_from_one_thread_of_its_own(publisher):
    futures = [send(note(i)) for i in range(50)]
    assert [future.result(60) for future in futures] == [0] * 50
    assert set(SharedLayer.threads) == {"vortex-publisher"}
    records = [record for _, message in SharedLayer.sent for record in message["records"]]
    assert len(records) == 50
    assert {group for group, _ in SharedLayer.sent} == {"vortex.django_vortex"}
    firsts = [message["first"] for _, message in SharedLayer.sent]
    assert firsts[0] == 1
    assert firsts == sorted(firsts)


async def test_send_inside_a_loop_without_a_server_does_not_block_it(publisher):
    future = send(note(1))
    assert await asyncio.wrap_future(future) == 0


def test_failing_layer_is_told_in_the_future(publisher, monkeypatch):
    monkeypatch.setattr("django_vortex.transports.publisher.FLUSH_SECONDS", 0.01)
    assert send(note(0)).result(60) == 0
    SharedLayer.failure = ConnectionError("Redis is down")
    with pytest.raises(DeliveryError, match="Redis is down"):
        send(note(1)).result(60)


def test_what_was_sent_leaves_before_the_process_does(publisher):
    futures = [send(note(i)) for i in range(200)]
    publisher.stop()
    assert all(future.done() and future.result() == 0 for future in futures)
    assert not [one for one in threading.enumerate() if one.name == "vortex-publisher"]


def test_forked_process_starts_a_thread_of_its_own(publisher):
    assert send(note(1)).result(60) == 0
    first = publisher._worker
    own, first.pid = first.pid, -1  # as the worker looks to a process that was forked off
    try:
        assert send(note(2)).result(60) == 0
        assert publisher._worker is not first
        first.stop()
        assert first._thread.is_alive()
    finally:
        first.pid = own
        first.stop()


def test_coalesced_push_says_what_it_supersedes(publisher):
    push(note(1, id=3), Address(), coalesce=True).result(60)
    push(note(1, id=3), Address()).result(60)
    records = [record for _, message in SharedLayer.sent for record in message["records"]]
    assert isinstance(records[0]["coalesce"], str)
    assert records[1]["coalesce"] is None
