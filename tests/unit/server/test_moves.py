"""Peers that go from one process to another: servers joined by a bus that carries when told to."""

import asyncio
import itertools
from dataclasses import dataclass, field

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.identity import Identity
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import NORMAL_CLOSURE, REFUSED_CLOSURE
from tests.unit.server.fakes import (
    ADDRESS,
    SERVER_UUID,
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    infos,
    make_server,
    message,
    note,
    open_peer,
    receive_body,
    serve,
    settle,
)


class Project:
    """Some processes with a server each, that know of each other."""

    def __init__(self, *names, **options):
        self.clock = FakeClock()
        self.bus = Bus()
        self.payload_io = PayloadIO()
        self.servers = {
            name: make_server(
                self.clock,
                fan_out=FakeFanOut(self.bus, name),
                payload_io=self.payload_io,
                **options,
            )
            for name in names
        }

    async def start(self):
        for server in self.servers.values():
            await server.start()
        self.bus.carry_all()
        return self

    async def stop(self):
        for server in self.servers.values():
            await server.stop(0)

    def __getitem__(self, name):
        return self.servers[name]


@pytest.fixture
async def project():
    project = await Project("A", "B").start()
    yield project
    await project.stop()


async def test_push_reaches_the_peers_of_all_processes_once(project):
    one, two = FakeStream(), FakeStream()
    await open_peer(project["A"], one, "one")
    await open_peer(project["B"], two, "two")
    project.bus.carry_all()
    project["A"].push(note("from A"))
    project.bus.carry_all()
    project.clock.seconds += 1
    project["B"].push(note("from B"))
    project.bus.carry_all()
    assert sorted(one.values()) == sorted(two.values()) == ["from A", "from B"]
    assert one.envelopes()[0].date == two.envelopes()[0].date


async def test_push_for_a_user_finds_it_in_another_process(project):
    one = FakeStream()
    await open_peer(project["A"], one, "one", identity=Identity("user", "7", ADDRESS))
    project.bus.carry_all()
    project["B"].push(note("for 7"), Address(user=7))
    project["B"].push(note("for 8"), Address(user=8))
    project.bus.carry_all()
    assert one.values() == ["for 7"]


async def test_peer_takes_what_was_not_sent_along_to_another_process(project):
    old, new = FakeStream(framed=True, slot=2), FakeStream(framed=True)
    connection = await open_peer(project["A"], old)
    project.bus.carry_all()
    for i in range(10):
        project["A"].push(note(i))
    await settle()
    await open_peer(project["B"], new)
    assert infos(new) == [SERVER_UUID]
    project["A"].push(note("after"))
    assert new.values() == []
    project.bus.carry_all()
    await settle()
    assert new.values() == [*range(10), "after"]
    assert old.values() == []
    assert old.closed_with is not None
    assert old.closed_with[0] == NORMAL_CLOSURE
    assert connection.is_moved
    assert not project["A"].connections


async def test_peer_of_somebody_else_is_refused_without_a_word_of_what_waits(project):
    old, new = FakeStream(framed=True), FakeStream(framed=True)
    owner, thief = Identity("user", "7", ADDRESS), Identity("user", "8", ADDRESS)
    connection = await open_peer(project["A"], old, identity=owner)
    connection.detach(old)
    project["A"].push(note("secret"))
    await open_peer(project["B"], new, identity=thief)
    project["A"].push(note("news"))
    project.bus.carry_all()
    assert new.closed_with is not None
    assert new.closed_with[0] == REFUSED_CLOSURE
    assert new.values() == []
    assert connection.waiting == 2
    assert not project["B"].connections


async def test_request_that_runs_where_the_peer_was_is_answered_where_it_is(project):
    gate = asyncio.Event()

    async def wait(request):
        await gate.wait()
        return request.tuples

    _endpoint = serve(project.payload_io, "wait", wait)
    old, new = FakeStream(framed=True), FakeStream(framed=True)
    connection = await open_peer(project["A"], old)
    receive_body(connection, message(note("late", key="wait"), framed=True))
    await settle()
    await open_peer(project["B"], new)
    project.bus.carry_all()
    gate.set()
    await settle()
    project.bus.carry_all()
    assert new.values() == ["late"]
    project["A"].tick()
    assert not project["A"].peers.moved


async def test_reply_to_the_newest_request_waits_for_no_other_process(project):
    async def echo(request):
        return request.tuples

    _endpoint = serve(project.payload_io, "echo", echo)
    await open_peer(project["A"], FakeStream(framed=True))
    new = FakeStream(framed=True)
    connection = await open_peer(project["B"], new)
    receive_body(connection, message(note("now", key="echo"), framed=True))
    await settle()
    assert new.values() == ["now"]


async def test_reply_that_can_not_travel_after_its_peer_becomes_an_error(project):
    may_answer = asyncio.Event()

    async def answer(request):
        await may_answer.wait()
        return PayloadEnvelope(result=object())

    _endpoint = serve(project.payload_io, "x", answer)
    old, new = FakeStream(framed=True), FakeStream(framed=True)
    connection = await open_peer(project["A"], old)
    receive_body(connection, message(note(1, key="x"), framed=True))
    project.bus.carry_all()
    await open_peer(project["B"], new)
    project.bus.carry_all()
    assert connection.is_moved
    may_answer.set()
    await settle()
    project.bus.carry_all()
    (failure,) = new.envelopes()
    assert failure.result.startswith("The server could not answer")


@pytest.mark.parametrize("key", ["\ud800", "x" * 100_000], ids=["surrogate", "long"])
async def test_peer_can_not_choose_a_key_that_keeps_its_records_from_travelling(project, key):
    old, new = FakeStream(framed=True), FakeStream(framed=True)
    connection = await open_peer(project["A"], old)
    echo = PayloadEnvelope({"key": key, "rapuiServerEcho": True})
    receive_body(connection, message(echo, framed=True))
    project.bus.carry_all()
    await open_peer(project["B"], new)
    project.bus.carry_all()
    records = [record for fan_out in project.bus.fan_outs for record in fan_out.published]
    assert connection.is_moved
    assert max(len(msgpack.packb(record)) for record in records) < 10_000


async def test_dates_go_on_growing_in_another_process(project):
    old, new = FakeStream(framed=True), FakeStream(framed=True)
    await open_peer(project["A"], old)
    project.bus.carry_all()
    for i in range(5):
        project["A"].push(note(i))
    await open_peer(project["B"], new)
    project.bus.carry_all()
    project["B"].push(note("next"))
    last = old.envelopes()[-1].date
    assert new.envelopes()[0].date > last


async def test_process_that_does_not_answer_is_not_waited_for_long(project):
    old, new = FakeStream(framed=True), FakeStream(framed=True)
    await open_peer(project["A"], old)
    project.bus.carry_all()
    await open_peer(project["B"], new)
    project["B"].push(note("held"))
    project.clock.seconds += 1.9
    project["B"].tick()
    assert new.values() == []
    project.clock.seconds += 0.2
    project["B"].tick()
    assert new.values() == ["held"]


async def test_leftovers_that_come_too_late_are_sent_all_the_same_and_once(project):
    old, new = FakeStream(framed=True, slot=1), FakeStream(framed=True)
    await open_peer(project["A"], old)
    project.bus.carry_all()
    project["A"].push(note("old"))
    project.bus.carry_all()
    await settle()
    await open_peer(project["B"], new)
    project["B"].push(note("both"))
    project.clock.seconds += 3
    project["B"].tick()
    assert new.values() == ["both"]
    project.bus.carry_all()
    assert new.values() == ["both", "old"]


async def test_peer_that_starts_a_server_by_coming_is_asked_for_as_well():
    project = Project("A", "B")
    await project["A"].start()
    project.bus.carry_all()
    old, new = FakeStream(framed=True, slot=2), FakeStream(framed=True)
    await open_peer(project["A"], old)
    project.bus.carry_all()
    for i in range(10):
        project["A"].push(note(i))
    project.bus.carry_all()  # to nobody: the other server has not started
    project.clock.seconds += 60
    await settle()
    await open_peer(project["B"], new)
    project.bus.carry_all()
    await settle()
    assert new.values() == [*range(10)]
    assert old.values() == []
    assert not project["A"].connections
    project["A"].push(note("after"))
    project.bus.carry_all()
    await settle()
    assert new.values() == [*range(10), "after"]
    await project.stop()


async def test_nobody_is_waited_for_when_no_other_process_lives():
    project = await Project("A").start()
    stream = FakeStream()
    await open_peer(project["A"], stream)
    project["A"].push(note(1))
    assert stream.values() == [1]
    await project.stop()


async def test_process_that_says_it_ends_is_not_waited_for(project):
    new = FakeStream(framed=True)
    await open_peer(project["B"], new)
    project["B"].push(note(1))
    assert new.values() == []
    await project["A"].stop(0)
    project.bus.carry_all()
    assert new.values() == [1]
    assert not project["B"].processes.live


async def test_process_not_heard_of_for_long_is_forgotten(project):
    for _ in range(4):
        project.clock.seconds += 20
        project["B"].tick()
    assert not project["B"].processes.live
    project["A"].tick()
    project.bus.carry_all()
    assert project["B"].processes.live == {"A"}


async def test_known_peer_of_another_process_is_not_new(project):
    project = await Project("A", "B", throttle_peers=1).start()
    await open_peer(project["A"], FakeStream(framed=True))
    project.bus.carry_all()
    await open_peer(project["B"], FakeStream(framed=True))
    project.bus.carry_all()
    await open_peer(project["B"], FakeStream(framed=True), "new there")
    await project.stop()


async def test_push_is_seen_before_the_peer_goes(project):
    """A push that the new process had before the peer came must come from the old one."""
    project = await Project("A", "B", "C").start()
    old, new = FakeStream(framed=True), FakeStream(framed=True)
    await open_peer(project["A"], old)
    project.bus.carry_all()
    project["C"].push(note("early"))
    project.bus.carry(("C", "B"))
    await open_peer(project["B"], new)
    project.bus.carry(("B", "A"))
    assert old.closed_with is None
    project.bus.carry(("C", "A"))
    project.bus.carry_all()
    assert old.values() + new.values() == ["early"]
    await project.stop()


async def test_peer_that_comes_back_while_it_is_asked_for_stays(project):
    project = await Project("A", "B", "C").start()
    await open_peer(project["A"], FakeStream(framed=True))
    project.bus.carry_all()
    project["C"].push(note("early"))
    project.bus.carry(("C", "B"))
    gone, back = FakeStream(framed=True), FakeStream(framed=True)
    await open_peer(project["B"], gone)
    project.bus.carry(("B", "A"))
    project.clock.seconds += 0.001
    await open_peer(project["A"], back)
    project.bus.carry_all()
    assert gone.closed_with is not None
    assert gone.values() == []
    assert back.values() == ["early"]
    assert list(project["A"].connections) == ["peer"]
    assert not project["B"].connections
    await project.stop()


@dataclass
class Story:
    """One peer that wanders between three processes, which all push to everybody."""

    project: Project
    streams: list = field(default_factory=list)
    pushed: dict = field(default_factory=lambda: {"A": [], "B": [], "C": []})
    where: str = ""

    async def push(self, name):
        value = f"{name}{len(self.pushed[name])}"
        self.pushed[name].append(value)
        self.project[name].push(note(value))

    async def move(self, name):
        self.project.clock.seconds += 0.001
        stream = FakeStream(framed=True, slot=2)
        self.streams.append(stream)
        await open_peer(self.project[name], stream)
        self.where = name

    async def end_stream(self):
        connection = self.project[self.where].connections.get("peer")
        if connection is not None and connection.stream is self.streams[-1]:
            connection.detach(self.streams[-1])

    async def read(self, count):
        self.streams[-1].read(count)

    async def carry(self, index):
        links = self.project.bus.busy_links
        if links:
            self.project.bus.carry(links[index % len(links)])

    async def settle(self):
        await settle(5)


NAMES = st.sampled_from("ABC")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), NAMES),
        st.tuples(st.just("move"), NAMES),
        st.tuples(st.just("carry"), st.integers(0, 5)),
        st.tuples(st.just("carry"), st.integers(0, 5)),
        st.tuples(st.just("read"), st.integers(1, 3)),
        st.tuples(st.just("settle")),
        st.tuples(st.just("end_stream")),
    ),
    max_size=40,
)


SENT_BY_TWO = [
    *[("push", "B"), ("move", "A"), ("carry", 1), ("push", "C"), ("carry", 4), ("push", "A")],
    *[("move", "B"), ("carry", 5)],
]
"""A push that one process has written and another has in its stream when it hears of that."""


@settings(max_examples=150, deadline=None)
@given(start=NAMES, steps=STEPS)
@example(start="B", steps=SENT_BY_TWO)
async def test_wandering_peer_loses_repeats_and_reorders_nothing(start, steps):
    story = Story(await Project("A", "B", "C").start())
    await story.move(start)
    story.project.bus.carry_all()
    for name, *arguments in steps:
        await getattr(story, name)(*arguments)
    await story.move(story.where)
    for _ in range(50):
        story.project.bus.carry_all()
        story.streams[-1].read()
        await settle(5)
    got = [value for stream in story.streams for value in stream.values()]
    for name, values in story.pushed.items():
        assert [value for value in got if value[0] == name] == values
    assert len(got) == sum(map(len, story.pushed.values()))
    dates = [envelope.date for stream in story.streams for envelope in stream.envelopes()]
    assert all(earlier < later for earlier, later in itertools.pairwise(dates))
    await story.project.stop()
