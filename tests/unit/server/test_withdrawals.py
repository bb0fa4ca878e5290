"""Requests that a peer takes back from another process than the one they run in."""

import threading

import pytest

from django_vortex.exceptions import DeliveryError
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.rates import read_rates
from django_vortex.server.identity import Identity
from django_vortex.server.withdrawals import CANCEL, MAX_ID_CHARACTERS
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import CANCEL_KEY, CANCELLED_ID, MESSAGE_ID
from tests.unit.server.fakes import (
    ADDRESS,
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    WaitingHandler,
    make_server,
    message,
    note,
    open_peer,
    receive_body,
    serve,
    settle,
)

ANN, BOB = Identity("user", "7", ADDRESS), Identity("user", "8", ADDRESS)


class Process(WaitingHandler):
    """One of two processes, which is a handler that waits for ever."""

    def __init__(self, bus, clock, name, **options):
        super().__init__(is_stubborn=True)
        payload_io = PayloadIO()
        self.fan_out = FakeFanOut(bus, name)
        self.server = make_server(clock, fan_out=self.fan_out, payload_io=payload_io, **options)
        self._endpoint = serve(payload_io, "wait", self)

    async def open(self, identity=ANN, stream=None):
        stream = stream or FakeStream(framed=True)
        return await open_peer(
            self.server, stream, "ann", identity=identity, dialect=Dialect.NATIVE
        )

    @property
    def cancel_records(self):
        return [one for one in self.fan_out.published if one["kind"] == CANCEL]


class Project:
    """Two processes."""

    def __init__(self, **options):
        self.clock = FakeClock()
        self.bus = Bus()
        self.a, self.b = (Process(self.bus, self.clock, name, **options) for name in "AB")

    async def start(self):
        for process in (self.a, self.b):
            await process.server.start()
        self.bus.carry_all()
        return self

    async def stop(self):
        for process in (self.a, self.b):
            await process.server.stop(0)

    async def carry(self):
        """Let everything happen, take-overs that wait included."""
        for _ in range(3):
            self.bus.carry_all()
            await settle()
            self.clock.seconds += 1.5
            for process in (self.a, self.b):
                process.server.tick()


@pytest.fixture
async def project():
    project = await Project(max_requests_in_flight=2).start()
    yield project
    await project.stop()


def ask(connection, *message_ids):
    for one in message_ids:
        text = message(note(key="wait", **{MESSAGE_ID: one}), Dialect.NATIVE, framed=True)
        receive_body(connection, text)


def cancel(connection, message_id):
    filt = {"key": CANCEL_KEY, CANCELLED_ID: message_id}
    receive_body(connection, message(PayloadEnvelope(filt), Dialect.NATIVE, framed=True))


async def test_request_of_a_peer_that_moved_is_cancelled_and_never_answered(project):
    ask(await project.a.open(), "1", "2", "3", "4")
    await settle()
    stream = FakeStream(framed=True)
    there = await project.b.open(stream=stream)
    await project.carry()
    told = len(stream.envelopes(Dialect.NATIVE))
    cancel(there, "4")
    cancel(there, "1")
    project.bus.carry_all()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(project.a.requests[0].is_cancelled))
    thread.start()
    thread.join()
    assert seen == [True], "at once, for who looks in a thread"
    await project.carry()
    assert project.a.cancelled == ["1"]
    assert project.a.begun == ["1", "2", "3"], "what waited is taken out"
    cancel(there, "2")
    cancel(there, "3")
    await project.carry()
    assert project.a.cancelled == ["1", "2", "3"]
    assert len(stream.envelopes(Dialect.NATIVE)) == told


async def test_request_is_cancelled_that_another_process_has_not_let_go_of_yet(project):
    ask(await project.a.open(), "1")
    await settle()
    cancel(await project.b.open(), "1")
    project.bus.carry_all()  # with which the first process only says that it will
    await settle()
    assert project.a.cancelled == ["1"]


async def test_request_from_before_the_peer_came_back_is_cancelled_here(project):
    ask(await project.a.open(), "1")
    await settle()
    await project.b.open()
    await project.carry()
    back = await project.a.open()
    await project.carry()
    assert back.requests.tasks == frozenset()
    cancel(back, "1")
    await settle()
    assert project.a.cancelled == ["1"]
    assert project.a.cancel_records == [], "nobody else is asked"


async def test_nobody_cancels_the_requests_of_somebody_else(project):
    ask(await project.a.open(ANN), "1")
    await settle()
    cancel(await project.b.open(BOB), "1")
    await project.carry()
    assert len(project.b.cancel_records) == 1
    assert project.a.cancelled == []


async def test_who_logged_in_meanwhile_cancels_what_it_asked_as_a_visitor(project):
    ask(await project.a.open(Identity("address", ADDRESS, ADDRESS)), "1")
    await settle()
    cancel(await project.b.open(ANN), "1")
    await project.carry()
    assert project.a.cancelled == ["1"]


@pytest.mark.parametrize("wrong", [None, 5, [], {}, True, "x" * (MAX_ID_CHARACTERS + 1)])
async def test_other_processes_are_not_asked_for_what_no_client_makes(project, wrong):
    cancel(await project.a.open(), wrong)
    assert project.a.cancel_records == []


async def test_request_here_is_not_asked_for_elsewhere(project):
    here = await project.a.open()
    ask(here, "1")
    await settle()
    cancel(here, "1")
    await project.carry()
    assert project.a.cancelled == ["1"]
    assert project.a.cancel_records == []


async def test_layer_that_takes_nothing_ends_nothing(project):
    here = await project.a.open()
    project.a.fan_out.failure = DeliveryError("The channel layer is too slow")
    cancel(here, "1")
    assert not here.is_closed
    project.a.fan_out.failure = None


async def test_flood_of_them_does_not_reach_other_processes():
    project = await Project(request_rates=read_rates({"peer": "2/m"})).start()
    here = await project.a.open()
    for number in range(4):
        cancel(here, str(number))
    assert [one["id"] for one in project.a.cancel_records] == ["0", "1"]
    await project.stop()
