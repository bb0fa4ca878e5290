"""Who is asked about when, and what becomes of those who are somebody else now."""

import asyncio
import logging
from dataclasses import replace

import pytest

from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.server.identity import Identity
from django_vortex.server.judging import NEW_COOKIES, NOT_THIS_PASSWORD, NOT_THIS_USER
from django_vortex.server.logins import ANSWER_SECONDS, FAILURE_PAUSE_SECONDS, Aim, Change
from django_vortex.server.options import ServerOptions
from django_vortex.server.server import Server
from django_vortex.server.undecided import DOUBT_SECONDS
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.reserved import NORMAL_CLOSURE, REFUSED_CLOSURE
from tests.unit.server.fakes import (
    ADDRESS,
    CODEC,
    Bus,
    FakeFanOut,
    FakeStream,
    message,
    note,
    receive_body,
    serve,
    settle,
)

NATIVE = Dialect.NATIVE


class Session:
    def __init__(self, key):
        self.session_key = key


class FakeJudge:
    """Knows what it was told of users and sessions, and who was asked about."""

    def __init__(self):
        self.asked = []
        self.outcomes = {}
        self.failure = None
        self.gate = None

    async def __call__(self, questions, seconds):
        self.asked.append([(one.peer.uuid, one.logout) for one in questions])
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        for index, question in enumerate(questions):
            yield index, self.outcomes.get(question.peer.user, question.peer)


class Bench:
    """A server that asks a `FakeJudge` every 30 s."""

    def __init__(self, clock, process="A", bus=None, payload_io=None):
        self.clock = clock
        self.judge = FakeJudge()
        self.payload_io = payload_io or PayloadIO()
        self.server = Server(
            self.payload_io,
            CODEC,
            ServerOptions(),
            fan_out=None if bus is None else FakeFanOut(bus, process),
            judge=self.judge,
            clock=clock.clock,
        )

    async def open(self, user, uuid=None, *, framed=False, session="", kind="user", dialect=NATIVE):
        stream = FakeStream(framed=framed, slot=99 if framed else 0)
        peer = Peer(uuid or user, "test", user=user, session=Session(session or f"of {user}"))
        value = user if kind == "user" else peer.session.session_key
        identity = Identity(kind, value, ADDRESS)
        connection = await self.server.open(peer, identity, stream, dialect=dialect)
        return stream, connection

    async def pass_time(self, seconds):
        """Let time pass in the steps of the server's timer."""
        for _ in range(round(seconds * 10)):
            self.clock.seconds += 0.1
            self.server.tick()
            await settle(5)


@pytest.fixture
async def bench(clock):
    bench = Bench(clock)
    await bench.server.start()
    yield bench
    await bench.server.stop(0)


async def test_new_peers_are_asked_about_together_and_then_all_once_a_period(bench):
    for user in ("ann", "bob"):
        await bench.open(user)
    await bench.open("nobody", kind="address")
    await bench.pass_time(1)
    assert bench.judge.asked == [[("ann", ""), ("bob", "")]]
    await bench.pass_time(29.5)
    assert bench.judge.asked == [[("ann", ""), ("bob", "")]] * 2
    await bench.pass_time(30)
    assert len(bench.judge.asked) == 3


async def test_peer_that_goes_on_has_the_user_of_now(bench):
    _, connection = await bench.open("ann")
    fresh = replace(connection.peer, user="ann, without permissions")
    bench.judge.outcomes["ann"] = fresh
    await bench.pass_time(1)
    assert connection.peer is fresh


@pytest.mark.parametrize("ended", [NOT_THIS_USER, NEW_COOKIES], ids=lambda one: str(one.code))
async def test_websocket_of_an_ended_login_hears_why(bench, ended):
    stream, _ = await bench.open("ann")
    bench.judge.outcomes["ann"] = ended
    await bench.pass_time(0.5)
    assert bench.server.push(note("x")) == 0
    assert not bench.server.connections
    await bench.pass_time(DOUBT_SECONDS)
    assert stream.closed_with == (ended.code, ended.reason)


async def test_peer_comes_again_only_when_its_new_cookies_have_arrived(bench):
    stream, _ = await bench.open("ann")
    bench.judge.outcomes["ann"] = NEW_COOKIES
    await bench.pass_time(DOUBT_SECONDS)
    assert stream.closed_with is None
    await bench.pass_time(0.5)
    assert stream.closed_with is not None


async def test_session_that_is_gone_before_its_logout_is_heard_of_is_asked_about_as_such(bench):
    await bench.open("ann", session="s")
    bench.judge.outcomes["ann"] = NEW_COOKIES
    await bench.pass_time(0.5)
    bench.server.logins.spread(Change("ann", "s", "begun"))
    await bench.pass_time(DOUBT_SECONDS)
    assert bench.judge.asked == [[("ann", "")], [("ann", "session")]]


async def test_response_of_an_ended_login_ends_with_the_reason_and_nothing_that_waited(bench):
    stream, _ = await bench.open("ann", framed=True)
    stream.read()
    bench.server.push(note("secret"))
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    await bench.pass_time(1)
    stream.read()
    last = stream.envelopes(NATIVE)[-1]
    assert last.filt == {"key": "vortex.closing", "code": 4401}
    assert last.result == "Not this user any more"
    assert "secret" not in stream.values()


async def test_response_of_a_released_client_just_ends(bench):
    stream, _ = await bench.open("ann", framed=True, dialect=Dialect.D1)
    stream.read()
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    await bench.pass_time(1)
    assert stream.closed_with is not None
    assert stream.envelopes(Dialect.D1) == []


async def test_what_was_held_goes_with_the_login_and_the_uuid_is_free(bench):
    stream, connection = await bench.open("ann", "tab", framed=True)
    connection.detach(stream)
    bench.server.push(note("secret"))
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    await bench.pass_time(1)
    newer, _ = await bench.open("nobody", "tab", framed=True, kind="address")
    newer.read()
    assert newer.values() == []


async def test_refused_stranger_makes_the_holder_of_a_uuid_be_asked_about(bench):
    await bench.open("ann", "tab")
    await bench.pass_time(1)
    with pytest.raises(Exception, match="in use by somebody else"):
        await bench.open("nobody", "tab", kind="address")
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    await bench.pass_time(1)
    await bench.open("nobody", "tab", kind="address")


async def test_refused_stranger_elsewhere_makes_the_holder_be_asked_about_too(clock):
    bus = Bus()
    here, there = (Bench(clock, name, bus) for name in ("A", "B"))
    for one in (here, there):
        await one.server.start()
    bus.carry_all()
    await here.open("ann", "tab")
    await here.pass_time(1)
    here.judge.outcomes["ann"] = NOT_THIS_USER
    refused, _ = await there.open("nobody", "tab", kind="address")
    bus.carry_all()
    assert refused.closed_with[0] == REFUSED_CLOSURE
    await here.pass_time(1)
    taken, _ = await there.open("nobody", "tab", kind="address")
    bus.carry_all()
    await there.pass_time(3)
    assert taken.closed_with is None
    for one in (here, there):
        await one.server.stop(0)


async def test_requests_of_an_ended_login_are_cancelled_and_answer_nobody(bench):
    going_on, ended = asyncio.Event(), []

    async def handle(request):
        try:
            await going_on.wait()
        finally:
            ended.append(request.user)
        return ["secret"]

    endpoint = serve(bench.payload_io, "slow", handle)
    stream, connection = await bench.open("ann")
    connection.receive(message(note(key="slow"), NATIVE))
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    await bench.pass_time(1)
    going_on.set()
    await settle()
    assert ended == ["ann"]
    assert stream.values() == []
    assert endpoint is not None


@pytest.mark.parametrize(
    ("kind", "does_first_process_know"), [("user", True), ("user", False), ("session", True)]
)
async def test_requests_left_where_a_peer_came_from_answer_nobody_when_its_login_has_ended(
    clock, kind, does_first_process_know
):
    bus, payload_io, going_on = Bus(), PayloadIO(), asyncio.Event()

    async def handle(request):
        try:
            await going_on.wait()
        except asyncio.CancelledError:
            return ["secret"]  # as a handler in a thread, which nobody can cancel
        return ["secret"]

    endpoint = serve(payload_io, "slow", handle)
    here, there = (Bench(clock, name, bus, payload_io) for name in ("A", "B"))
    for one in (here, there):
        await one.server.start()
    bus.carry_all()
    _, connection = await here.open("ann", "tab", framed=True, kind=kind)
    receive_body(connection, message(note(key="slow"), NATIVE, framed=True))
    await settle()
    stream, _ = await there.open("ann", "tab", framed=True, kind=kind)
    bus.carry_all()
    assert connection.is_moved
    for one in (here, there):
        await one.pass_time(0.5)
        one.judge.outcomes["ann"] = NOT_THIS_USER
    hear = there.server.logins.spread if does_first_process_know else there.server.logins.take
    hear(Change(user="ann", session="of ann"))
    bus.carry_all()
    for one in (here, there):
        await one.pass_time(0.5)
    newer, _ = await there.open("nobody", "tab", framed=True, kind="address")
    going_on.set()
    await settle()
    bus.carry_all()
    for one in (stream, newer):
        one.read()
        assert one.values() == []
    assert endpoint is not None
    for one in (here, there):
        await one.server.stop(0)


async def test_what_another_process_gives_too_late_is_not_for_who_came_after(clock):
    bus = Bus()
    here, there = (Bench(clock, name, bus) for name in ("A", "B"))
    for one in (here, there):
        await one.server.start()
    bus.carry_all()
    stream, connection = await here.open("ann", "tab", framed=True)
    bus.carry_all()
    stream.read()
    connection.detach(stream)
    here.server.push(note("secret"), Address(uuid="tab"))
    await there.open("ann", "tab", framed=True)
    bus.carry(("B", "A"))  # the question; the answer is on its way
    there.server.logins.end(Aim(uuid="tab"))
    newer, _ = await there.open("nobody", "tab", framed=True, kind="address")
    bus.carry_all()
    await there.pass_time(3)
    newer.read()
    assert "secret" not in newer.values()
    for one in (here, there):
        await one.server.stop(0)


async def test_news_of_a_user_or_a_session_ask_about_its_peers_in_all_processes(clock):
    bus = Bus()
    here, there = (Bench(clock, name, bus) for name in ("A", "B"))
    for one in (here, there):
        await one.server.start()
        await one.open("ann", f"ann at {one.server.process}")
        await one.open("bob", f"bob at {one.server.process}", session=one.server.process)
        await one.pass_time(1)
        one.judge.asked.clear()
    here.server.logins.spread(Change(user="ann"))
    bus.carry_all()
    for one in (here, there):
        await one.pass_time(1)
        assert one.judge.asked == [[(f"ann at {one.server.process}", "")]]
    here.server.logins.spread(Change(session="B"))
    bus.carry_all()
    for one, asked in ((here, 1), (there, 2)):
        await one.pass_time(1)
        assert len(one.judge.asked) == asked
        await one.server.stop(0)


async def test_many_news_at_once_are_one_question(bench):
    for number in range(50):
        await bench.open(f"user {number}")
    await bench.pass_time(1)
    bench.judge.asked.clear()
    for number in range(50):
        bench.server.logins.spread(Change(user=f"user {number}"))
    await bench.pass_time(1)
    assert [len(one) for one in bench.judge.asked] == [50]


async def test_checks_never_overtake_each_other(bench):
    bench.judge.gate = asyncio.Event()
    await bench.open("ann")
    await bench.pass_time(70)
    assert len(bench.judge.asked) == 2  # of new peers, and of all
    bench.judge.gate.set()
    await bench.pass_time(1)
    assert len(bench.judge.asked) == 3


async def test_logout_is_asked_about_when_it_is_answered_and_until_the_session_is_gone(bench):
    stream, _ = await bench.open("ann", session="s")
    await bench.open("ann", "other browser", session="t")
    await bench.pass_time(1)
    bench.judge.asked.clear()
    bench.server.logins.spread(Change("ann", "s", "begun"))
    bench.server.logins.spread(Change("ann"))
    await bench.pass_time(2)
    assert bench.judge.asked == [[("other browser", "user")]]
    bench.server.logins.spread(Change("ann", "s", "answered"))
    await bench.pass_time(1)
    assert bench.judge.asked[1:] == [[("ann", "session"), ("other browser", "user")]] * 3
    assert stream.closed_with is None
    await bench.pass_time(65)
    bench.judge.asked.clear()
    bench.server.logins.spread(Change("ann"))
    await bench.pass_time(1)
    assert bench.judge.asked == [[("ann", ""), ("other browser", "")]]


async def test_logout_that_is_never_answered_is_asked_about_all_the_same(bench):
    await bench.open("ann", session="s")
    await bench.pass_time(1)
    bench.judge.asked.clear()
    bench.server.logins.spread(Change("ann", "s", "begun"))
    await bench.pass_time(ANSWER_SECONDS + 1)
    assert [("ann", "session")] in bench.judge.asked


async def test_logout_says_nothing_of_streams_that_came_after_it(bench):
    bench.server.logins.spread(Change("ann", "s", "answered"))
    bench.clock.seconds += 0.05
    await bench.open("ann", session="s")
    await bench.pass_time(0.3)
    assert bench.judge.asked[0] == [("ann", "")]


async def test_password_in_doubt_carries_nothing_until_the_code_is_known(bench):
    streams = [(await bench.open(user))[0] for user in ("ann", "bob")]
    bench.judge.outcomes = {"ann": NOT_THIS_PASSWORD, "bob": NOT_THIS_PASSWORD}
    await bench.pass_time(0.5)
    assert [stream.closed_with for stream in streams] == [None, None]
    assert bench.server.push(note("secret")) == 0
    bench.judge.outcomes["ann"] = NEW_COOKIES
    await bench.pass_time(DOUBT_SECONDS + 0.5)
    assert [stream.closed_with[0] for stream in streams] == [4408, 4401]


async def test_stream_in_doubt_is_closed_when_nobody_can_be_asked_or_the_server_stops(bench):
    first, _ = await bench.open("ann")
    bench.judge.outcomes["ann"] = NOT_THIS_PASSWORD
    await bench.pass_time(0.5)
    bench.judge.failure = OSError("down")
    await bench.pass_time(DOUBT_SECONDS + 0.5)
    assert first.closed_with == (NEW_COOKIES.code, NEW_COOKIES.reason)
    bench.judge.failure = None
    second, _ = await bench.open("ann")
    await bench.pass_time(0.5)
    await bench.server.stop(0)
    assert second.closed_with[0] == NORMAL_CLOSURE


async def test_failure_is_logged_once_and_tried_again_while_all_stay_who_they_were(bench, caplog):
    stream, _ = await bench.open("ann")
    await bench.pass_time(1)
    bench.judge.failure = OSError("database is down")
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    bench.server.logins.spread(Change(user="ann"))
    with caplog.at_level(logging.WARNING):
        await bench.pass_time(70)
    assert [one.levelname for one in caplog.records] == ["ERROR"]
    assert "database is down" in caplog.text
    assert stream.closed_with is None
    bench.judge.failure = None
    await bench.pass_time(FAILURE_PAUSE_SECONDS + 0.5)
    assert stream.closed_with is not None


async def test_who_could_not_be_asked_about_is_asked_again_before_the_period_ends(bench):
    stream, _ = await bench.open("ann")
    await bench.pass_time(1)
    bench.judge.failure = OSError("database is down")
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    bench.server.logins.spread(Change(user="ann"))
    await bench.pass_time(1)
    bench.judge.failure = None
    await bench.pass_time(FAILURE_PAUSE_SECONDS + 0.5)
    assert stream.closed_with is not None


async def test_visitor_who_is_a_user_by_now_is_asked_about(bench):
    await bench.open("nobody", "tab", kind="address")
    await bench.pass_time(1)
    assert bench.judge.asked == []
    await bench.open("ann", "tab")
    await bench.pass_time(1)
    assert bench.judge.asked == [[("tab", "")]]


async def test_outcome_for_a_stream_that_was_replaced_meanwhile_does_not_count(bench):
    bench.judge.gate = asyncio.Event()
    await bench.open("ann", "tab", framed=True)
    await bench.pass_time(0.2)
    newer, connection = await bench.open("ann", "tab", framed=True)
    connection.peer = replace(connection.peer, user="ann, logged in again")
    bench.judge.outcomes["ann"] = NOT_THIS_USER
    bench.judge.gate.set()
    await bench.pass_time(1)
    assert newer.closed_with is None
    assert len(bench.judge.asked) == 2


async def test_disconnect_ends_whoever_fits_all_that_is_given_in_all_processes(clock):
    bus = Bus()
    here, there = (Bench(clock, name, bus) for name in ("A", "B"))
    streams = {}
    for one in (here, there):
        await one.server.start()
        for user in ("ann", "bob"):
            uuid = f"{user} {one.server.process}"
            streams[uuid], _ = await one.open(user, uuid, session=uuid)
    bus.carry_all()
    assert here.server.logins.disconnect(Aim(user="ann", session="ann B")) == 0
    bus.carry_all()
    assert {uuid for uuid, one in streams.items() if one.closed_with} == {"ann B"}
    assert streams["ann B"].closed_with[0] == 4401
    assert here.server.logins.disconnect(Aim(uuid="bob A")) == 1
    assert here.server.logins.disconnect(Aim(user="bob")) == 0
    bus.carry_all()
    assert {uuid for uuid, one in streams.items() if not one.closed_with} == {"ann A"}
    for one in (here, there):
        await one.server.stop(0)
