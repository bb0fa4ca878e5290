"""What handlers hear from other processes, over a bus that carries when told to."""

import asyncio

import pytest

from django_vortex.exceptions import DeliveryError
from django_vortex.routing.payload_io import PayloadIO
from tests.unit.server.fakes import (
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    make_server,
    open_peer,
    settle,
)


class Notes:
    """A follower that writes down what it hears, and gives each peer a note to take along."""

    def __init__(self, server):
        self.name = "notes"
        self.heard = []
        server.followers.add(self)

    def receive_news(self, text):
        self.heard.append(text)

    def recover(self):
        self.heard.append("recover")

    def forget_peer(self, uuid):
        self.heard.append(f"{uuid} is gone")

    def give_peer(self, uuid):
        return ["first note", "second note"]

    def take_peer(self, peer, text):
        self.heard.append(f"{peer.uuid} has {text}")


class Process:
    def __init__(self, bus, name, clock):
        self.fan_out = FakeFanOut(bus, name)
        self.server = make_server(clock, fan_out=self.fan_out)
        self.notes = Notes(self.server)

    @property
    def followers(self):
        return self.server.followers


@pytest.fixture
async def bus():
    return Bus()


@pytest.fixture
async def processes(bus):
    clock = FakeClock()
    processes = [Process(bus, name, clock) for name in "ABC"]
    for process in processes:
        await process.server.start()
    bus.carry_all()
    yield processes
    for process in processes:
        await process.server.stop(0)


async def test_news_of_a_handler_reach_it_in_all_other_processes(processes, bus):
    a, b, c = processes
    a.followers.tell("notes", "one")
    a.followers.tell("notes", "two")
    a.followers.tell("other", "three")
    bus.carry_all()
    assert a.notes.heard == []
    assert b.notes.heard == c.notes.heard == ["one", "two"]


async def test_news_of_a_peer_reach_the_process_that_has_it(processes, bus):
    a, b, c = processes
    await open_peer(b.server, FakeStream(), "ann")
    bus.carry_all()
    a.followers.tell("notes", "a note", "ann")
    bus.carry_all()
    assert b.notes.heard == ["ann has a note"]
    assert a.notes.heard == c.notes.heard == []


async def test_what_is_kept_for_a_peer_goes_with_it_and_ends_with_it(processes, bus):
    a, b, _ = processes
    await open_peer(a.server, FakeStream(), "ann")
    bus.carry_all()
    stream = FakeStream()
    connection = await open_peer(b.server, stream, "ann")
    bus.carry_all()
    assert a.notes.heard == []
    assert b.notes.heard == ["ann has first note", "ann has second note"]
    connection.detach(stream)
    bus.carry_all()
    assert b.notes.heard[2:] == ["ann is gone"]
    assert a.notes.heard == []


async def test_what_is_lost_on_the_way_is_told(processes):
    a, b, _ = processes
    a.fan_out.report_gap("B", 3)
    assert (a.notes.heard, b.notes.heard) == (["recover"], [])


async def test_who_tells_is_spared_that_the_layer_is_down(processes, caplog):
    a, _, _ = processes
    a.fan_out.failure = DeliveryError("The channel layer is too slow")
    a.followers.tell("notes", "one")
    a.fan_out.failure = None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "miss the news of notes" in caplog.text


async def test_without_other_processes_nobody_is_told():
    server = make_server()
    notes = Notes(server)
    await open_peer(server, FakeStream(), "ann")
    server.followers.tell("notes", "one")
    server.followers.tell("notes", "one", "ann")
    await server.stop(0)
    assert notes.heard == ["ann is gone"]


async def test_server_ends_after_what_handlers_have_started():
    payload_io = PayloadIO()
    server = make_server(payload_io=payload_io)
    await open_peer(server, FakeStream(), "ann")
    done = []

    async def work():
        await settle()
        done.append("work")

    payload_io.background.start(work())
    hanging = payload_io.background.start(asyncio.Event().wait())
    await server.stop(0.05)
    assert done == ["work"]
    assert hanging.cancelled()
