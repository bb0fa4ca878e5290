"""Watches of one client, with messages of the server given by hand."""

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from django_vortex import Payload, PayloadEnvelope
from django_vortex.client import watches as module
from django_vortex.client.core import Core
from django_vortex.client.endings import Ending
from django_vortex.client.errors import ClientError, Closed, TimedOut, WatchEnded
from django_vortex.client.feeds import Feeds
from django_vortex.client.news import Lost, Offline, Online
from django_vortex.client.watch import Watch
from django_vortex.client.watches import Watches
from django_vortex.exceptions import DefinitionError, PermissionDenied, TryAgain
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import LIMIT_KEY, NAME_KEY, UUID_KEY, VERSION_KEY
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.virtual_time import run_in_virtual_time

FORM = WireForm(Dialect.NATIVE, framed=False)


class Bench:
    """A client's watches without a connection, and what the server would get and say."""

    def __init__(self) -> None:
        self.codec = Codec()
        self.core = Core("u-u-i-d", "test", self.codec)
        self.feeds = Feeds()
        self.watches = Watches(self.core, self.feeds, lambda: None)

    def watch(self, key: str, **arguments: Any) -> Watch:
        return self.watches.open({"key": key, **arguments})

    def connect(self, limit: int = 10**6, *, resumed: bool = False) -> None:
        now = asyncio.get_running_loop().time()
        self.core.begin(now, framed=False)
        told = {UUID_KEY: "server", NAME_KEY: "s", VERSION_KEY: 2, LIMIT_KEY: limit}
        self.receive(PayloadEnvelope(told))
        self.feeds.tell(Online("websocket", "s", resumed))

    def cut(self) -> None:
        self.core.end(Ending("cut"), asyncio.get_running_loop().time())
        self.feeds.tell(Offline("cut"))

    def receive(self, envelope: PayloadEnvelope) -> None:
        text = encode_message(envelope, FORM, None, self.codec)
        self.core.receive(str(text), asyncio.get_running_loop().time())

    def take(self) -> list[PayloadEnvelope]:
        """Return what the server gets now."""
        protocol = Protocol(self.codec, framed=False, dialect=Dialect.NATIVE, whole_frames=True)
        batch = self.core.take(asyncio.get_running_loop().time())
        self.core.outgoing.confirm(len(batch))
        events = [event for one in batch for event in protocol.receive(str(one.text))]
        return [event.envelope for event in events if isinstance(event, EnvelopeReceived)]

    async def asked(self, count: int = 1) -> PayloadEnvelope:
        """Return the only message of this turn, which asks for so many watches."""
        await asyncio.sleep(0)
        (envelope,) = self.take()
        assert envelope.filt["key"] == "vortex.watch"
        assert len(self.tuples(envelope)) == count
        return envelope

    def tuples(self, envelope: PayloadEnvelope) -> list[Any]:
        return list(envelope.decode_payload(self.codec).tuples)

    def reply(self, asked: PayloadEnvelope, *told: Any, result: Any = None) -> None:
        filt = asked.filt
        payload = None if result is not None else Payload(filt, list(told))
        self.receive(PayloadEnvelope(filt, payload, result=result))

    def confirm(self, asked: PayloadEnvelope) -> None:
        names = [self.name(one["filt"]) for one in self.tuples(asked)]
        self.reply(asked, *({"watch": name} for name in names))

    def name(self, filt: dict[str, Any]) -> str:
        return json.dumps(filt, sort_keys=True)

    def push(
        self, name: str, *rows: Any, before: str | None = None, to: str = "1", **members: Any
    ) -> None:
        told = {} if before is None else {"from": before}
        filt = {"key": "vortex.watched", "watch": name, "at": "p:1", **told, "to": to, **members}
        self.receive(PayloadEnvelope(filt, Payload(filt, list(rows)) if rows else None))

    def fail(self, name: str, code: str, text: str, **members: Any) -> None:
        filt = {"key": "vortex.watched", "watch": name, "at": "p:1", **members}
        self.receive(PayloadEnvelope(filt, result={"error": code, "text": text}))


@pytest.fixture
async def bench() -> Bench:
    return Bench()


A = '{"key": "a"}'


async def watch_a(bench: Bench) -> Watch:
    """Return a reader of a watch that runs and has an answer."""
    bench.connect()
    watch = bench.watch("a")
    bench.confirm(await bench.asked())
    bench.push(A, "x", "y")
    assert await anext(watch) == ["x", "y"]
    return watch


def has_next(watch: Watch) -> bool:
    return bool(watch._waiting.items)


async def test_watches_of_one_turn_travel_in_one_message(bench: Bench) -> None:
    bench.connect()
    watches = [bench.watch("a"), bench.watch("b", state="open"), bench.watch("a", n=1)]
    asked = await bench.asked(3)
    assert MESSAGE_ID in asked.filt
    assert bench.tuples(asked) == [
        {"filt": {"key": "a"}, "tag": None},
        {"filt": {"key": "b", "state": "open"}, "tag": None},
        {"filt": {"key": "a", "n": 1}, "tag": None},
    ]
    bench.confirm(asked)
    assert len(watches) == len(bench.watches)


async def test_answers_are_read_whole_as_they_become(bench: Bench) -> None:
    watch = await watch_a(bench)
    bench.push(A, "z", before="1", to="2", gone=[0], put=[1])
    assert await anext(watch) == ["y", "z"]
    assert watch.answer == ["y", "z"]
    bench.push(A, before="2", to="2")
    assert not has_next(watch)


async def test_slow_reader_gets_the_newest_answer(bench: Bench) -> None:
    watch = await watch_a(bench)
    for number in range(1, 50):
        bench.push(A, number, before=str(number), to=str(number + 1), gone=[0], put=[0], was=[0])
    changes = await anext(watch.changes())
    assert changes.answer == [49, "y"]
    assert changes.changed == [("x", 49)]
    assert not has_next(watch)


async def test_same_watch_is_asked_once_and_shown_at_once(bench: Bench) -> None:
    watch = await watch_a(bench)
    other = bench.watch("a")
    await asyncio.sleep(0)
    assert bench.take() == []
    assert await anext(other) == ["x", "y"]
    bench.push(A, to="2")
    assert await anext(other) == await anext(watch) == []


async def test_server_is_told_when_the_last_reader_has_left(bench: Bench) -> None:
    watch = await watch_a(bench)
    other = bench.watch("a")
    await watch.aclose()
    await asyncio.sleep(0)
    assert bench.take() == []
    async with other:
        pass
    await asyncio.sleep(0)
    (left,) = bench.take()
    assert left.filt["key"] == "vortex.unwatch"
    assert bench.tuples(left) == [A]
    with pytest.raises(StopAsyncIteration):
        await anext(other)
    with pytest.raises(Closed, match="The watch is closed"):
        await other.next()
    assert len(bench.watches) == 0


async def test_reader_that_is_dropped_has_left(bench: Bench) -> None:
    watch = await watch_a(bench)
    del watch
    gc.collect()
    await asyncio.sleep(0)
    assert [one.filt["key"] for one in bench.take()] == ["vortex.unwatch"]


async def test_watch_that_is_taken_up_in_the_same_turn_goes_on(bench: Bench) -> None:
    watch = await watch_a(bench)
    watch.close()
    again = bench.watch("a")
    await asyncio.sleep(0)
    assert bench.take() == []
    assert await anext(again) == ["x", "y"]


async def test_watch_that_is_left_before_the_server_has_replied_is_ended_then(bench: Bench) -> None:
    bench.connect()
    watch = bench.watch("a")
    asked = await bench.asked()
    watch.close()
    await asyncio.sleep(0)
    assert bench.take() == []
    bench.confirm(asked)
    assert [bench.tuples(one) for one in bench.take()] == [[A]]


async def test_watch_that_is_left_and_begun_again_under_way_is_not_ended(bench: Bench) -> None:
    bench.connect()
    bench.watch("a").close()
    await asyncio.sleep(0)
    assert bench.take() == [], "nobody wants it by the end of the turn"
    watch = bench.watch("a")
    first = await bench.asked()
    watch.close()
    await asyncio.sleep(0)
    watch = bench.watch("a")
    second = await bench.asked()
    bench.confirm(first)
    assert bench.take() == []
    bench.confirm(second)
    assert bench.take() == []
    bench.push(A, "x")
    assert await anext(watch) == ["x"]


async def test_push_that_comes_before_the_reply_is_kept(bench: Bench) -> None:
    bench.connect()
    watch = bench.watch("a")
    asked = await bench.asked()
    bench.push(A, "x")
    bench.push(A, "y", before="1", to="2", put=[1])
    bench.confirm(asked)
    assert await anext(watch) == ["x", "y"]


async def test_more_such_pushes_than_are_kept_are_asked_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EARLY", 2)
    bench.connect()
    watch = bench.watch("a")
    asked = await bench.asked()
    for number in range(3):
        bench.push(A, number, to=str(number))
    bench.push(A, before="2", to="3", put=[1])
    bench.confirm(asked)
    again = await bench.asked()
    assert bench.tuples(again) == [{"filt": {"key": "a"}, "tag": None}]
    bench.confirm(again)
    bench.push(A, "x", to="1")
    assert await anext(watch) == ["x"]


async def test_filts_that_the_server_takes_for_the_same_share_what_comes(bench: Bench) -> None:
    watch = await watch_a(bench)
    other = bench.watch("a", state="open")
    bench.reply(await bench.asked(), {"watch": A})
    assert await anext(other) == ["x", "y"]
    bench.push(A, to="2")
    assert await anext(watch) == await anext(other) == []
    watch.close()
    await asyncio.sleep(0)
    assert bench.take() == []
    other.close()
    await asyncio.sleep(0)
    assert [bench.tuples(one) for one in bench.take()] == [[A]]


async def test_watches_go_on_with_the_session_though_a_message_was_given_up(bench: Bench) -> None:
    watch = await watch_a(bench)
    other = bench.watch("b")
    bench.confirm(await bench.asked())
    bench.cut()
    assert not watch.is_current
    bench.feeds.tell(Lost("a message is too long", pushes=False))
    bench.connect(resumed=True)
    assert watch.is_current
    assert not other.is_current, "its answer has not come"
    await asyncio.sleep(0)
    assert bench.take() == []


async def test_everything_is_asked_again_in_one_message_with_tags(bench: Bench) -> None:
    watch = await watch_a(bench)
    bench.watch("unasked").close()
    other = bench.watch("b")
    asked = await bench.asked()
    bench.cut()
    assert not watch.is_current
    third = bench.watch("c")
    await asyncio.sleep(0)
    assert bench.take() == []
    bench.connect()
    again = await bench.asked(3)
    assert bench.tuples(again) == [
        {"filt": {"key": "a"}, "tag": "1"},
        {"filt": {"key": "b"}, "tag": None},
        {"filt": {"key": "c"}, "tag": None},
    ]
    bench.confirm(asked)  # the late reply to the old message
    bench.confirm(again)
    bench.push(A, before="1", to="1")
    assert watch.is_current
    assert not has_next(watch)
    bench.push(A, "z", before="1", to="2", put=[2])
    assert await anext(watch) == ["x", "y", "z"]
    for one, name in ((other, '{"key": "b"}'), (third, '{"key": "c"}')):
        bench.push(name, 5, one=True)
        assert await anext(one) == 5


async def test_delta_that_does_not_fit_asks_for_the_whole(bench: Bench) -> None:
    watch = await watch_a(bench)
    bench.push(A, "z", before="7", to="8", put=[1])
    asked = await bench.asked()
    assert bench.tuples(asked) == [{"filt": {"key": "a"}, "tag": None}]
    bench.push(A, "z", before="8", to="9", put=[1])
    await asyncio.sleep(0)
    assert bench.take() == [], "it is asked for already"
    bench.confirm(asked)
    bench.push(A, "new", to="9")
    assert await anext(watch) == ["new"]
    bench.push(A, "z", before="9", to="10", put=[1])
    assert await anext(watch) == ["new", "z"]


async def test_delta_that_cannot_be_asks_for_the_whole_and_says_why(bench: Bench) -> None:
    watch = await watch_a(bench)
    bench.push(A, before="1", to="2", gone=[7])
    assert watch.error is not None
    assert "Expected a list of positions" in str(watch.error)
    bench.confirm(await bench.asked())
    bench.push(A, "new", to="9")
    assert await anext(watch) == ["new"]
    assert watch.error is None


async def test_error_that_may_pass_is_told_and_ends_nothing(bench: Bench) -> None:
    watch = await watch_a(bench)
    bench.fail(A, "busy", "The database is locked")
    assert isinstance(watch.error, TryAgain)
    assert not watch.is_current
    with pytest.raises(TimedOut, match="within 0 s: The database is locked") as caught:
        await watch.next(timeout=0)
    assert caught.value.__cause__ is watch.error
    bench.push(A, before="1", to="1")
    assert watch.error is None
    assert watch.is_current
    bench.push(A, to="2")
    assert await watch.next(timeout=60) == []


async def test_end_is_raised_behind_what_waits_and_is_final(bench: Bench) -> None:
    watch = await watch_a(bench)
    other = bench.watch("a")
    bench.fail(A, "permission", "Not yours", ended=True)
    assert await anext(other) == ["x", "y"]
    for reader in (watch, other, other):
        with pytest.raises(WatchEnded, match="Not yours") as caught:
            await anext(reader)
        assert caught.value.code == "permission"
        assert isinstance(caught.value.error, PermissionDenied)
    bench.push(A, "late")
    watch.close()
    await asyncio.sleep(0)
    assert bench.take() == []
    again = bench.watch("a")
    await bench.asked()
    assert not has_next(again)


async def test_push_about_what_was_asked_for_again_is_none(bench: Bench) -> None:
    watch = await watch_a(bench)
    for members in ({"ended": True}, {}):
        bench.receive(PayloadEnvelope({"key": "vortex.watched", "watch": A, **members}))
    await asyncio.sleep(0)
    assert bench.take() == []
    assert watch.is_current
    assert watch.error is None


async def test_watch_that_the_server_refuses_ends_alone(bench: Bench) -> None:
    bench.connect()
    refused, watched = bench.watch("a"), bench.watch("b")
    error = {"error": {"error": "permission", "text": "Not yours"}}
    bench.reply(await bench.asked(2), error, {"watch": "B"})
    with pytest.raises(WatchEnded, match="Not yours"):
        await anext(refused)
    bench.push("B", 1)
    assert await anext(watched) == [1]


async def test_server_that_knows_no_watches_is_told_plainly(bench: Bench) -> None:
    bench.connect()
    watch = bench.watch("a")
    told = {"error": "no-endpoint", "text": "No endpoint for 'vortex.watch'", "path": "$"}
    bench.reply(await bench.asked(), result=told)
    with pytest.raises(WatchEnded, match="The server knows no watches: it is older"):
        await anext(watch)


@pytest.mark.parametrize(
    "told", [["nonsense"], [], [{"error": "nonsense"}], [{"watch": 3}]], ids=str
)
async def test_reply_that_makes_no_sense_ends_what_was_asked(bench: Bench, told: Any) -> None:
    bench.connect()
    watch = bench.watch("a")
    bench.reply(await bench.asked(), *told)
    with pytest.raises(WatchEnded):
        await anext(watch)


async def test_message_that_is_too_long_for_the_server_ends_what_it_asks(bench: Bench) -> None:
    bench.connect(limit=500)
    watch = bench.watch("a", text="x" * 1000)
    await asyncio.sleep(0)
    assert bench.take() == []
    with pytest.raises(WatchEnded, match="exceeds max_message_bytes"):
        await anext(watch)


async def test_very_many_watches_travel_in_several_messages(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IN_MESSAGE", 2)
    bench.connect()
    watches = [bench.watch("a", number=number) for number in range(5)]
    await asyncio.sleep(0)
    assert [len(bench.tuples(one)) for one in bench.take()] == [2, 2, 1]
    assert len(watches) == 5


async def test_client_that_is_closed_ends_all_with_its_error(bench: Bench) -> None:
    watch = await watch_a(bench)
    asked = bench.watch("b")
    await bench.asked()
    error = Closed("The client is closed")
    bench.core.finish(error)
    bench.feeds.finish(error)
    bench.watches.finish()
    for one in (watch, asked):
        with pytest.raises(Closed, match="The client is closed"):
            await anext(one)
        one.close()
    await asyncio.sleep(0)
    assert bench.take() == []


async def test_what_the_application_changes_in_a_filt_is_not_asked(bench: Bench) -> None:
    bench.connect()
    filt: dict[str, Any] = {"key": "a", "where": {"state": "open"}}
    watch = bench.watches.open(filt)
    filt["where"]["state"] = "closed"
    assert bench.tuples(await bench.asked())[0]["filt"]["where"] == {"state": "open"}
    watch.close()


async def test_filt_that_cannot_be_watched_is_the_callers_mistake(bench: Bench) -> None:
    for filt in ({}, {"key": 1}, {"key": "a", "x": object()}):
        with pytest.raises(DefinitionError):
            bench.watches.open(filt)


async def test_two_tasks_cannot_read_the_same(bench: Bench) -> None:
    watch = bench.watch("a")
    reading = asyncio.create_task(anext(watch))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    with pytest.raises(ClientError, match="Two tasks read"):
        await anext(watch)
    reading.cancel()


def in_virtual_time(
    test: Callable[[Bench], Awaitable[None]],
) -> Callable[[], None]:
    """Let a test run on a loop whose clock jumps."""

    async def run() -> None:
        await test(Bench())

    def runner() -> None:
        run_in_virtual_time(run())

    return runner


async def _busy(bench: Bench) -> None:
    bench.connect()
    watch = bench.watch("a")
    loop = asyncio.get_running_loop()
    pauses = []
    for _ in range(8):
        begun = loop.time()
        while not (taken := bench.take()):
            await asyncio.sleep(0.1)
        pauses.append(round(loop.time() - begun))
        bench.reply(taken[0], {"error": {"error": "busy", "text": "Later"}})
        assert isinstance(watch.error, TryAgain)
    assert pauses == [0, 1, 2, 5, 10, 30, 30, 30]
    while not (taken := bench.take()):
        await asyncio.sleep(0.1)
    bench.confirm(taken[0])
    bench.push(A, "x")
    assert await anext(watch) == ["x"]


async def _late(bench: Bench) -> None:
    bench.connect()
    watch = bench.watch("a")
    first = await bench.asked()
    await asyncio.sleep(module.ASK_SECONDS + 1)
    bench.core.tick(asyncio.get_running_loop().time())
    assert isinstance(watch.error, TimedOut)
    await asyncio.sleep(1.5)
    taken = [one for one in bench.take() if one.filt["key"] == "vortex.watch"]
    assert len(taken) == 1
    bench.confirm(first)  # nobody waits for that any more
    bench.confirm(taken[0])
    bench.push(A, "x")
    assert await anext(watch) == ["x"]


async def _told(bench: Bench) -> None:
    bench.connect()
    watch = bench.watch("a")
    result = {"error": "rate", "text": "Slowly", "retry_after": 77.0}
    bench.reply(await bench.asked(), {"error": result})
    await asyncio.sleep(76)
    assert bench.take() == []
    await asyncio.sleep(2)
    assert len(bench.take()) == 1
    assert watch.error is not None


async def _closed(bench: Bench) -> None:
    bench.connect()
    watch = bench.watch("a")
    bench.reply(await bench.asked(), {"error": {"error": "busy", "text": "Later"}})
    watch.close()
    await asyncio.sleep(100)
    assert bench.take() == []


test_busy_server_is_asked_again_each_time_later = in_virtual_time(_busy)
test_server_that_says_nothing_is_asked_again = in_virtual_time(_late)
test_server_says_when_it_may_be_asked_again = in_virtual_time(_told)
test_watch_that_waits_to_be_asked_again_can_be_left = in_virtual_time(_closed)
