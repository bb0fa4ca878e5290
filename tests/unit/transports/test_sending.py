"""Sending with a server in this process, and without one."""

import asyncio
import os
import signal
import threading

import pytest
from django.core.exceptions import SynchronousOnlyOperation

from django_vortex.exceptions import DefinitionError, DeliveryError
from django_vortex.routing.address import Address
from django_vortex.transports import hub, sending
from django_vortex.transports import publisher as publisher_module
from django_vortex.transports.identity_changes import disconnect, note_logout
from django_vortex.transports.layer import make_fan_out
from django_vortex.transports.publisher import Publisher
from django_vortex.transports.sending import aflush, flush, push, send
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


@pytest.fixture
def impatient_publisher(publisher, monkeypatch):
    """One that gives a failing layer up at once; who waits for it waits longer than that."""

    def make_impatient(*arguments, **options):
        return make_fan_out(*arguments, **{**options, "give_up_seconds": 0.01})

    monkeypatch.setattr(publisher_module, "make_fan_out", make_impatient)
    monkeypatch.setattr(publisher_module, "FLUSH_SECONDS", 60)
    return publisher


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
    futures = [send(note(i), wait=False) for i in range(50)]
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


def test_failing_layer_is_told_in_the_future(impatient_publisher):
    assert send(note(0)).result(60) == 0
    SharedLayer.failure = ConnectionError("Redis is down")
    with pytest.raises(DeliveryError, match="Redis is down"):
        send(note(1), wait=False).result(60)


@pytest.mark.parametrize(
    "reach",
    [
        lambda: send(note(1)),
        lambda: push(note(1), Address(), coalesce=True),
        lambda: disconnect(user=7),
    ],
    ids=["send", "push", "disconnect"],
)
def test_layer_has_what_was_sent_when_the_call_returns(publisher, reach):
    for _ in range(20):
        assert reach().result(0) == 0
    assert sum(len(message["records"]) for _, message in SharedLayer.sent) == 20


def test_failing_layer_is_raised_by_whoever_waits_for_it(impatient_publisher, caplog):
    assert send(note(0)).result(0) == 0
    SharedLayer.failure = ConnectionError("Redis is down")
    with pytest.raises(DeliveryError, match=r"The channel layer failed: .*Redis is down"):
        send(note(1))
    with pytest.raises(DeliveryError, match="Redis is down"):
        disconnect(user=7)
    pushed = push(note(1), Address())
    assert isinstance(pushed.exception(0), DeliveryError)
    assert "reached nobody: The channel layer failed" in caplog.text


def test_call_is_bounded_where_the_layer_never_answers(publisher, monkeypatch):
    assert send(note(0)).result(0) == 0
    monkeypatch.setattr(publisher_module, "FLUSH_SECONDS", 0.2)
    SharedLayer.is_stuck = True
    with pytest.raises(DeliveryError, match=r"has not taken it within 0\.2 s"):
        send(note(1))
    assert flush(0.01) == 1
    assert flush(timeout=0) == 1
    SharedLayer.is_stuck = False
    assert flush(60) == 0


def test_logout_neither_waits_nor_fails(publisher, monkeypatch):
    assert send(note(0)).result(0) == 0
    SharedLayer.is_stuck = True
    monkeypatch.setattr(publisher_module, "_wait_for", lambda future: pytest.fail("waited"))

    class User:
        pk = 7

    note_logout(user=User())
    assert flush(0) == 2
    SharedLayer.is_stuck = False
    assert flush(60) == 0


def test_flush_waits_for_what_was_sent_without_waiting(publisher):
    futures = [send(note(i), wait=False) for i in range(100)]
    assert flush(60) == 0
    assert all(future.done() for future in futures)


def test_flush_has_nothing_to_wait_for_before_anything_was_sent(publisher):
    assert flush() == 0


async def test_flush_on_a_loop_is_awaited(publisher):
    futures = [send(note(i)) for i in range(100)]
    with pytest.raises(SynchronousOnlyOperation, match="await aflush"):
        flush()
    assert await aflush(60) == 0
    assert all(future.done() for future in futures)


async def test_flush_waits_for_the_server_of_the_process(settings, monkeypatch):
    settings.CHANNEL_LAYERS = SHARED
    await hub.get_server().start()
    try:
        SharedLayer.is_stuck = True
        send(note("from a server"))
        assert await aflush(0.05) > 0
        assert await asyncio.to_thread(flush, 0.05) > 0
        SharedLayer.is_stuck = False
        assert await aflush(60) == 0
        sent = [record for _, message in SharedLayer.sent for record in message["records"]]
        assert "push" in {record["kind"] for record in sent}
    finally:
        SharedLayer.is_stuck = False
        await hub.stop()


def test_signal_handler_may_send_whatever_it_interrupts(publisher, monkeypatch):
    make_fan_out = publisher_module.make_fan_out
    numbers = []

    def interrupt(*_):
        numbers.append(len(numbers))
        send(note("from the handler"))

    def make_interrupted(*args, **kwargs):
        if not numbers:
            os.kill(os.getpid(), signal.SIGUSR1)  # the handler runs here, within the lock
        return make_fan_out(*args, **kwargs)

    monkeypatch.setattr(publisher_module, "make_fan_out", make_interrupted)
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        send(note("interrupted"))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert numbers == [0]
    assert sum(len(message["records"]) for _, message in SharedLayer.sent) == 2
    assert len([one for one in threading.enumerate() if one.name == "vortex-publisher"]) == 1


def test_process_forked_while_a_thread_sends_can_send(publisher):
    taken, release = threading.Event(), threading.Event()

    def hold():
        with publisher._lock:
            taken.set()
            release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(60)
    try:
        child = os.fork()
        if not child:
            try:
                signal.alarm(30)
                os._exit(send(note(1)).result(0))
            finally:
                os._exit(1)
    finally:
        release.set()
        thread.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_what_was_sent_leaves_before_the_process_does(publisher):
    futures = [send(note(i), wait=False) for i in range(200)]
    publisher.stop()
    assert all(future.done() and future.result() == 0 for future in futures)
    assert flush() == 0
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
