"""The fan-out over carriers that fail, lose, repeat and are slow."""

import asyncio

import msgpack
import pytest

from django_vortex.exceptions import DeliveryError
from django_vortex.server import sequenced_fan_out
from django_vortex.server.sequenced_fan_out import SequencedFanOut, record_size
from django_vortex.wire.versions import OLDEST_VERSION, VERSION
from tests.unit.server.fakes import settle


class Medium:
    """What carriers share: a message reaches every member, the sender too."""

    def __init__(self):
        self.members = []

    def send(self, message):
        for member in self.members:
            if member.is_joined:
                member.arrived.put_nowait(message)


class FakeCarrier:
    def __init__(self, medium):
        self.medium = medium
        self.arrived = asyncio.Queue()
        self.is_joined = False
        self.joins = 0
        self.sent = []
        self.send_failures = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        medium.members.append(self)

    async def join(self):
        self.joins += 1
        self.is_joined = True

    async def send(self, message):
        await self.is_open.wait()
        if self.send_failures:
            raise self.send_failures.pop(0)
        self.sent.append(message)
        self.medium.send(message)

    async def receive(self):
        message = await self.arrived.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def leave(self):
        self.is_joined = False


class Process:
    def __init__(self, medium, **options):
        self.carrier = FakeCarrier(medium)
        self.slept = []
        self.fan_out = SequencedFanOut(self.carrier, sleep=self.sleep, **options)
        self.got = []
        self.gaps = []

    async def sleep(self, seconds):
        if seconds == sequenced_fan_out.RENEW_SECONDS:
            await asyncio.Event().wait()
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def start(self):
        await self.fan_out.start(
            lambda process, sequence, record: self.got.append((sequence, record["i"])),
            lambda process, lost: self.gaps.append(lost),
        )
        return self

    def publish(self, *values):
        for value in values:
            self.fan_out.publish({"i": value})


@pytest.fixture
async def pair():
    medium = Medium()
    one = await Process(medium).start()
    two = await Process(medium).start()
    yield one, two
    await one.fan_out.stop(1)
    await two.fan_out.stop(1)


async def test_others_get_records_in_order_and_this_process_none(pair):
    one, two = pair
    one.publish("a", "b", "c")
    await settle()
    assert two.got == [(1, "a"), (2, "b"), (3, "c")]
    assert one.got == []
    assert one.fan_out.last_sequence == 3


async def test_what_waits_travels_in_one_message(pair):
    one, two = pair
    one.carrier.is_open.clear()
    one.publish(*range(1000))
    await settle()
    one.publish(*range(1000, 1500))
    one.carrier.is_open.set()
    await settle(50)
    assert [value for _, value in two.got] == list(range(1500))
    assert len(one.carrier.sent) == 2


async def test_messages_are_bounded(pair):
    one, two = pair
    for i in range(10):
        one.fan_out.publish({"i": i, "text": "x" * 100_000})
    one.fan_out.publish({"i": 10, "text": "x" * 1_000_000})
    await settle(50)
    assert [value for _, value in two.got] == list(range(11))
    sizes = [record_size(message["records"]) for message in one.carrier.sent]
    assert max(sizes[:-1]) < sequenced_fan_out.MAX_BATCH_BYTES + 200
    assert len(one.carrier.sent[-1]["records"]) == 1


async def test_failed_message_is_sent_again(pair):
    one, two = pair
    one.carrier.send_failures = [ConnectionError("down"), ConnectionError("down")]
    one.publish("a")
    await settle()
    one.publish("b")
    await settle()
    assert two.got == [(1, "a"), (2, "b")]
    assert one.slept == [0.05, 0.1]


@pytest.mark.parametrize("value", ["\ud800", 2**64, object()], ids=["str", "int", "object"])
async def test_record_that_no_layer_carries_holds_up_and_loses_no_other(pair, value, monkeypatch):
    one, two = pair
    carry = one.carrier.send

    async def send(message):
        msgpack.packb(message)
        await carry(message)

    monkeypatch.setattr(one.carrier, "send", send)
    outcomes = {}
    for name in ("before", value, "after"):
        one.fan_out.publish({"i": name}, lambda error, name=name: outcomes.update({name: error}))
    await settle()
    assert two.got == [(1, "before"), (3, "after")]
    assert two.gaps == [1]
    assert one.slept == []
    assert outcomes["before"] is outcomes["after"] is None
    assert isinstance(outcomes[value], DeliveryError)


async def test_message_that_arrived_although_sending_failed_is_taken_once(pair):
    one, two = pair
    one.publish("a")
    await settle()
    two.carrier.arrived.put_nowait(one.carrier.sent[0])
    one.publish("b")
    await settle()
    assert two.got == [(1, "a"), (2, "b")]
    assert two.gaps == []


async def test_message_is_given_up_after_a_while_and_whoever_sent_it_is_told():
    medium = Medium()
    one = await Process(medium, give_up_seconds=1.0).start()
    one.carrier.send_failures = [ConnectionError("down")] * 100
    reported = []
    one.fan_out.publish({"i": 1}, reported.append)
    await settle(100)
    assert isinstance(reported[0], DeliveryError)
    assert "down" in str(reported[0])
    assert sum(one.slept) <= 1.0
    one.carrier.send_failures = []
    one.fan_out.publish({"i": 2}, reported.append)
    await settle()
    assert reported[1] is None
    await one.fan_out.stop(1)


async def test_lost_message_is_a_gap(pair):
    one, two = pair
    one.publish("a")
    await settle()
    two.carrier.is_joined = False
    one.publish("b", "c")
    await settle()
    two.carrier.is_joined = True
    one.publish("d")
    await settle()
    assert two.got == [(1, "a"), (4, "d")]
    assert two.gaps == [2]


async def test_process_that_starts_late_misses_nothing_it_could_have_had(pair):
    one, _ = pair
    one.publish("early")
    await settle()
    late = await Process(one.carrier.medium).start()
    one.publish("now")
    await settle()
    assert late.got == [(2, "now")]
    assert late.gaps == []
    await late.fan_out.stop(1)


async def test_failing_receive_is_tried_again_after_joining_anew(pair):
    one, two = pair
    joins = two.carrier.joins
    two.carrier.arrived.put_nowait(TimeoutError("read"))
    two.carrier.arrived.put_nowait(ConnectionError("gone"))
    one.publish("a")
    await settle()
    assert two.got == [(1, "a")]
    assert two.carrier.joins == joins + 2
    assert two.slept == [0.05, 0.1]


@pytest.mark.parametrize("method", ["send", "receive"])
async def test_layer_that_cancels_itself_does_not_end_the_traffic(pair, method, monkeypatch):
    one, two = pair
    carrier = one.carrier if method == "send" else two.carrier
    work = getattr(carrier, method)
    cancellations = [asyncio.CancelledError()]

    async def cancel_once(*arguments):
        result = await work(*arguments)
        if cancellations:
            raise cancellations.pop()
        return result

    monkeypatch.setattr(carrier, method, cancel_once)
    one.publish("a")
    await settle(50)
    one.publish("b")
    await settle(50)
    one.publish("c")
    await settle(50)
    assert two.got[-1] == (3, "c")
    assert not cancellations


async def test_message_nobody_understands_stops_nothing(pair, caplog):
    one, two = pair
    two.carrier.arrived.put_nowait({"type": "from elsewhere"})
    one.publish("a")
    await settle()
    assert two.got == [(1, "a")]
    assert "could not be taken" in caplog.text


async def test_membership_is_renewed():
    medium = Medium()
    process = Process(medium)
    renewals = asyncio.Event()
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        if len(slept) > 3:
            renewals.set()
            await asyncio.Event().wait()

    process.fan_out = SequencedFanOut(process.carrier, sleep=sleep)
    await process.start()
    await renewals.wait()
    assert process.carrier.joins == 4
    assert set(slept) == {sequenced_fan_out.RENEW_SECONDS}
    await process.fan_out.stop(1)


async def test_layer_that_is_down_at_the_start_is_no_error(caplog):
    process = Process(Medium())

    async def fail():
        raise ConnectionError("down")

    process.carrier.join = fail
    await process.start()
    assert "could not be joined" in caplog.text
    await process.fan_out.stop(1)


async def test_queue_of_a_layer_that_hangs_is_bounded(pair, monkeypatch):
    one, _ = pair
    monkeypatch.setattr(sequenced_fan_out, "MAX_WAITING_BYTES", 10_000)
    one.carrier.is_open.clear()
    one.publish("in flight")
    await settle()
    with pytest.raises(DeliveryError, match="too slow"):
        for _ in range(100):
            one.fan_out.publish({"i": "x" * 1000})
    before = one.fan_out.last_sequence
    one.carrier.is_open.set()
    await settle()
    one.publish("after")
    assert one.fan_out.last_sequence == before + 1


async def test_end_waits_for_what_was_published():
    medium = Medium()
    one, two = await Process(medium).start(), await Process(medium).start()
    one.publish(*range(50))
    await one.fan_out.stop(5)
    await settle()
    assert len(two.got) == 50
    assert not one.carrier.is_joined
    await two.fan_out.stop(1)


async def test_end_comes_although_a_carrier_swallows_a_cancellation(monkeypatch):
    monkeypatch.setattr(sequenced_fan_out, "CANCEL_SECONDS", 0)
    one = Process(Medium())
    read = one.carrier.receive
    swallowed = []

    async def receive():
        try:
            return await read()
        except asyncio.CancelledError:
            if len(swallowed) < 2:
                swallowed.append(True)
                return await receive()
            raise

    one.carrier.receive = receive
    await one.start()
    await settle()
    await one.fan_out.stop(1)
    assert swallowed == [True, True]
    assert len(asyncio.all_tasks()) == 1


async def test_nothing_is_taken_after_the_end():
    one = await Process(Medium()).start()
    await one.fan_out.stop(1)
    with pytest.raises(DeliveryError, match="ending"):
        one.fan_out.publish({"i": 0})


async def test_what_can_not_be_sent_before_the_end_is_reported():
    one = await Process(Medium()).start()
    one.carrier.is_open.clear()
    reported = []
    one.fan_out.publish({"i": 0}, reported.append)
    await settle()
    one.fan_out.publish({"i": 1}, reported.append)
    await one.fan_out.stop(0.01)
    assert len(reported) == 2
    assert all(isinstance(error, DeliveryError) for error in reported)
    assert len(asyncio.all_tasks()) == 1


async def test_process_without_peers_only_sends():
    medium = Medium()
    one = await Process(medium, is_listening=False).start()
    two = await Process(medium).start()
    one.publish("a")
    two.publish("b")
    await settle()
    assert two.got == [(1, "a")]
    assert one.got == []
    assert one.carrier.joins == 0
    await one.fan_out.stop(1)
    await two.fan_out.stop(1)


async def test_large_message_lets_others_run_in_between(pair):
    one, two = pair
    turns = 0
    clock = asyncio.get_running_loop().time()
    seconds = iter(range(10_000))
    loop = asyncio.get_running_loop()
    original = loop.time
    loop.time = lambda: clock + next(seconds) * 0.02
    try:
        one.publish(*range(20))
        while len(two.got) < 20:
            turns += 1
            await asyncio.sleep(0)
    finally:
        loop.time = original
    assert turns >= 20


async def test_message_has_the_version_of_its_records(pair):
    one, _ = pair
    one.publish("a")
    await settle()
    assert [message["version"] for message in one.carrier.sent] == [VERSION]


@pytest.mark.parametrize(
    "version", [VERSION - 1, VERSION, VERSION + 1], ids=["before", "own", "next"]
)
async def test_records_of_neighbouring_versions_are_read(pair, version, caplog):
    one, two = pair
    foreign = {"type": "vortex.records", "version": version, "process": "x", "first": 1}
    one.carrier.medium.send({**foreign, "records": [{"i": "a"}]})
    await settle()
    assert two.got == [(1, "a")]
    assert not caplog.records


async def test_records_without_a_version_are_of_the_first(pair):
    one, two = pair
    one.carrier.medium.send(
        {"type": "vortex.records", "process": "x", "first": 1, "records": [{"i": "a"}]}
    )
    await settle()
    assert two.got == ([(1, "a")] if OLDEST_VERSION == 1 else [])


@pytest.mark.parametrize("version", [VERSION + 2, VERSION - 2, "2", None, True, 2.0, [2]])
async def test_unknown_version_is_dropped_and_logged_once(pair, version, caplog):
    one, two = pair
    for _ in range(5):
        one.carrier.medium.send({"type": "vortex.records", "version": version, "process": "x"})
    one.publish("a")
    await settle(50)
    assert two.got == [(1, "a")]
    messages = [record.getMessage() for record in caplog.records]
    assert len([text for text in messages if "Process 'x' writes records of" in text]) == 2
    assert all("Update the older of the two" in text for text in messages)
