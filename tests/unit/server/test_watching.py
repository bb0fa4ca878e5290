"""Watches of peers: what begins and ends them, and what the peers are shown."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from typing import Any

import pytest

from django_vortex.exceptions import PermissionDenied
from django_vortex.handlers.query import query
from django_vortex.live.changes import Change, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.evaluator import Evaluator
from django_vortex.live.looks import Look
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Question, Scope
from django_vortex.live.recording import get_recorder
from django_vortex.live.scoped_peer import ScopedPeer
from django_vortex.live.sources import Sources
from django_vortex.live.sweep import SweepOptions
from django_vortex.live.telling import telling
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.routing.watchable import Watchable
from django_vortex.server.identity import Identity
from django_vortex.server.live_parts import Live
from django_vortex.server.options import ServerOptions
from django_vortex.server.server import Server
from django_vortex.server.subscriptions import NO_TENANT, Tenant
from django_vortex.testing.peer import WAIT_SECONDS, AsyncPeer
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from tests.support.waiting import eventually
from tests.unit.server.fakes import tell_on_loop

NOTES = Table("test", "notes")

pytestmark = pytest.mark.asyncio


class Environment:
    """Users that are in a dict."""

    def __init__(self) -> None:
        self.users: dict[str | None, Any] = {None: None, "1": "Ada", "2": "Bob"}

    def find_peer(self, scope: Scope) -> Peer | None:
        if scope.user not in self.users:
            return None
        if scope.peer is not None:
            return Peer(scope.peer, "test", user=self.users[scope.user])
        return ScopedPeer(self.users[scope.user])

    def begin_reading(self) -> Any:
        return io.StringIO()

    @contextmanager
    def entered(self, question: Question) -> Iterator[None]:
        with nullcontext() if question.enter is None else question.enter():
            yield


class Notes:
    """Rows that an endpoint reads, and that a test changes."""

    def __init__(self) -> None:
        self.rows: list[Any] = ["a", "b"]
        self.reads = 0
        self.may_read = threading.Event()
        self.may_read.set()

    def read(self, request: Request) -> list[Any]:
        assert self.may_read.wait(WAIT_SECONDS)
        self.reads += 1
        if (recorder := get_recorder()) is not None:
            recorder.reads.append(Dependency(NOTES))
        return list(self.rows)


class World:
    """A server whose peers watch notes."""

    def __init__(self, sweep: SweepOptions | None = None, **options: Any) -> None:
        self.payload_io = PayloadIO()
        self.environment = Environment()
        self.notes = Notes()
        self.endpoints: list[PayloadEndpoint] = []
        self.add("test.notes", self.notes.read)
        self.sources = Sources()
        self.find_tenant: Any = lambda request: NO_TENANT
        evaluator = Evaluator(self.payload_io, self.environment, self.sources)
        live_options = LiveOptions(**{"coalesce_seconds": 0.0, **options})
        live = Live(
            evaluator,
            live_options,
            lambda peer: True,
            self.sources,
            sweep=sweep,
            find_tenant=lambda request: self.find_tenant(request),
        )
        self.server = Server(
            self.payload_io,
            self.payload_io.codec,
            ServerOptions(heartbeat_seconds=3600.0, peer_timeout_seconds=86_400.0),
            live=live,
        )
        self.peers = 0

    def add(
        self,
        key: str,
        handler: Any,
        *,
        scope: Any = "user",
        permission: Any = None,
        may_share: Any = None,
    ) -> None:
        self.endpoints.append(
            PayloadEndpoint(
                {"key": key},
                handler,
                permission=permission or AllowAny(),
                payload_io=self.payload_io,
                watchable=Watchable(scope, may_share=may_share),
            )
        )

    def change(self, *rows: Any) -> None:
        self.notes.rows = list(rows)
        self.server.tell([Change(NOTES)])

    @asynccontextmanager
    async def peer(
        self, user: str | None = None, dialect: Dialect = Dialect.NATIVE
    ) -> AsyncIterator[AsyncPeer]:
        self.peers += 1
        uuid = f"peer-{self.peers}"
        identity = Identity("user" if user else "address", user or "127.0.0.1", "127.0.0.1")
        peer = AsyncPeer(uuid, self.payload_io.codec, dialect)
        known = self.environment.users[user]
        await peer.enter(self.server, Peer(uuid, "test", user=known), identity)
        try:
            yield peer
        finally:
            await peer.leave()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.server.stop(1.0)


async def watch(peer: AsyncPeer, key: str = "test.notes", tag: str | None = None) -> str:
    reply = await peer.request({"key": "vortex.watch"}, [{"filt": {"key": key}, "tag": tag}])
    [answer] = reply.tuples
    assert set(answer) == {"watch"}, answer
    name: str = answer["watch"]
    return name


async def see(peer: AsyncPeer, name: str) -> Any:
    return await peer.receive({"key": "vortex.watched", "watch": name})


async def test_watcher_is_shown_the_answer_and_each_change(world: World) -> None:
    async with world.peer() as peer:
        name = await watch(peer)
        first = await see(peer, name)
        assert first.tuples == ["a", "b"]
        assert "from" not in first.filt
        world.change("a", "b", "c")
        second = await see(peer, name)
        assert second.filt["to"] != first.filt["to"]


async def test_reply_comes_before_the_first_answer(world: World) -> None:
    async with world.peer() as early, world.peer() as peer:
        await see(early, await watch(early))
        await peer.send(
            {"key": "vortex.watch", "PayloadResponse.messageId": "1"},
            [{"filt": {"key": "test.notes"}}],
        )
        assert (await peer.receive()).filt["key"] == "vortex.watch"
        assert (await peer.receive()).filt["key"] == "vortex.watched"


async def test_who_has_the_answer_is_told_that_it_is_unchanged(world: World) -> None:
    async with world.peer() as peer, world.peer() as other:
        tag = (await see(peer, await watch(peer))).filt["to"]
        shown = await see(other, await watch(other, tag=tag))
        assert shown.filt["from"] == shown.filt["to"] == tag
        assert shown.tuples == []


async def test_peers_of_one_user_share_an_evaluation(world: World) -> None:
    async with world.peer("1") as one, world.peer("1") as two:
        await see(one, await watch(one))
        tag = (await see(two, await watch(two))).filt["to"]
        before = world.notes.reads
        world.change("z")
        assert (await see(one, await watch_name(world, one))).filt["to"] != tag
        assert (await see(two, await watch_name(world, two))).filt["to"] != tag
        assert world.notes.reads == before + 1


async def watch_name(world: World, peer: AsyncPeer) -> str:
    watching = world.server._watching
    assert watching is not None
    [one] = watching.subscriptions.find(peer.uuid)
    return one.name


async def test_users_have_answers_of_their_own(world: World) -> None:
    def whose(request: Request) -> list[Any]:
        return [request.user]

    world.add("test.whose", whose)
    async with world.peer("1") as one, world.peer("2") as two:
        assert (await see(one, await watch(one, "test.whose"))).tuples == ["Ada"]
        assert (await see(two, await watch(two, "test.whose"))).tuples == ["Bob"]


async def test_shared_answer_must_not_look_at_the_user(world: World) -> None:
    def whose(request: Request) -> list[Any]:
        return [request.user]

    world.add("test.whose", whose, scope="all")
    async with world.peer("1") as peer:
        shown = await see(peer, await watch(peer, "test.whose"))
        assert "looks at who asks" in shown.result["text"]
        assert shown.filt["ended"] is True


async def test_answer_that_needs_the_peer_is_asked_for_each_peer(world: World) -> None:
    def whose(request: Request) -> list[Any]:
        return [request.peer.uuid]

    world.add("test.uuid", whose)
    async with world.peer("1") as one, world.peer("1") as two:
        assert (await see(one, await watch(one, "test.uuid"))).tuples == [one.uuid]
        assert (await see(two, await watch(two, "test.uuid"))).tuples == [two.uuid]


async def test_refusals_are_told_one_by_one(world: World) -> None:
    def write(request: Request) -> list[Any]:
        recorder = get_recorder()
        assert recorder is not None
        recorder.writes.append(NOTES)
        return []

    bare = {"key": "test.bare"}
    PayloadEndpoint(bare, world.notes.read, payload_io=world.payload_io, owner=world)
    world.add("test.writes", write)
    async with world.peer() as peer:
        asked = [
            {"filt": {"key": "test.notes"}},
            {"filt": {"key": "test.nothing"}},
            {"filt": {"key": "test.bare"}},
            {"filt": {}},
            7,
            {"filt": {"key": "test.notes"}, "tag": 7},
            {"filt": {"key": "test.writes"}},
        ]
        reply = await peer.request({"key": "vortex.watch"}, asked)
        assert "watch" in reply.tuples[0]
        codes = [one["error"]["error"] for one in reply.tuples[1:-1]]
        assert codes == ["no-endpoint", "refused", "validation", "validation", "validation"]
        shown = await see(peer, reply.tuples[-1]["watch"])
        assert "only reads" in shown.result["text"]
        assert shown.filt["ended"] is True


class Members(Permission):
    """Whoever is in a set."""

    may_block = False

    def __init__(self) -> None:
        self.users = {"Ada"}
        self.is_broken = False

    def allows(self, request: Request, action: Action) -> bool:
        if (recorder := get_recorder()) is not None:
            recorder.reads.append(Dependency(Table("test", "members")))
        if self.is_broken:
            raise RuntimeError("The permission is broken")
        return request.user in self.users


@pytest.mark.parametrize("scope", ["user", "all"])
async def test_right_that_goes_ends_the_watch(world: World, scope: Any) -> None:
    members = Members()
    world.add("test.secret", world.notes.read, scope=scope, permission=members)
    async with world.peer("1") as peer:
        name = await watch(peer, "test.secret")
        await see(peer, name)
        members.users.clear()
        world.server.tell([Change(Table("test", "members"))])
        world.change("hidden")
        shown = await see(peer, name)
        assert shown.result["error"] == PermissionDenied.code
        assert shown.filt["ended"] is True
        world.change("more hidden")
        await peer.request({"key": "vortex.unwatch"}, [])
        assert peer.unread == []


async def test_right_that_nobody_can_tell_of_hides_the_answer_until_somebody_can(
    world: World,
) -> None:
    members = Members()
    world.add("test.secret", world.notes.read, scope="all", permission=members)
    async with world.peer("1") as peer:
        name = await watch(peer, "test.secret")
        await see(peer, name)
        members.is_broken = True
        world.server.tell([Change(Table("test", "members")), Change(NOTES)])
        world.notes.rows = ["new"]
        shown = await see(peer, name)
        assert shown.result["error"] == "internal"
        assert "ended" not in shown.filt
        world.change("newer")
        members.is_broken = False
        world.server.tell([Change(Table("test", "members"))])
        shown = await see(peer, name)
        while shown.result is not None:
            shown = await see(peer, name)
        assert shown.tuples == ["newer"]
        world.change("newest")
        assert (await see(peer, name)).filt["to"] != shown.filt["to"]


async def test_unwatch_ends_a_watch(world: World) -> None:
    async with world.peer() as peer:
        name = await watch(peer)
        await see(peer, name)
        await peer.request({"key": "vortex.unwatch"}, [name])
        before = world.notes.reads
        world.change("z")
        await asyncio.sleep(0)
        assert not world.server._watching.watches.watches  # type: ignore[union-attr]
        assert world.notes.reads == before


async def test_peer_that_leaves_leaves_no_watch(world: World) -> None:
    async with world.peer() as peer:
        await see(peer, await watch(peer))
    watching = world.server._watching
    assert watching is not None
    assert not watching.watches.watches
    assert not len(watching.subscriptions)
    assert not len(watching.subscriptions.shown)


async def test_error_of_a_query_is_told_once_and_the_answer_comes_back(world: World) -> None:
    def read(request: Request) -> list[Any]:
        rows = world.notes.read(request)
        if not rows:
            raise PermissionError("not for peers")
        return rows

    world.add("test.fails", read)
    async with world.peer() as peer:
        name = await watch(peer, "test.fails")
        await see(peer, name)
        world.change()
        shown = await see(peer, name)
        assert shown.result["error"] == "internal"
        assert "ended" not in shown.filt
        world.change("back")
        assert (await see(peer, name)).filt["to"]


async def test_released_clients_cannot_send_it(world: World) -> None:
    async with world.peer(dialect=Dialect.D2) as peer:
        reply = await peer.request({"key": "vortex.watch"}, [{"filt": {"key": "test.notes"}}])
        assert "Only clients" in reply.result


async def test_watches_move_with_their_peer(world: World) -> None:
    """What one server gives, another takes, with the tag that the peer has."""
    other = World()
    async with world.peer() as peer:
        tag = (await see(peer, await watch(peer))).filt["to"]
        watching = world.server._watching
        assert watching is not None
        texts = list(watching.give_peer(peer.uuid))
        assert not watching.watches.watches
        async with other.peer() as moved:
            taking = other.server._watching
            assert taking is not None
            for text in texts:
                taking.take_peer(Peer(moved.uuid, "test"), text)
            shown = await moved.receive({"key": "vortex.watched"})
            assert shown.filt["from"] == shown.filt["to"] == tag
            other.change("new")
            assert (await moved.receive({"key": "vortex.watched"})).tuples == ["new"]
    await other.server.stop(1.0)


@pytest.fixture
def observed(world: World) -> None:
    """What lets observers subscribe, as an observable does."""

    async def observe(request: Request) -> None:
        observers = world.payload_io.observers
        assert observers is not None
        observer = request.filt.get("observer", "")
        pushed = {"key": "test.observed", "selector": 1}
        if request.filt.get("unsubscribe"):
            observers.unsubscribe(request, pushed, observer)
            return
        question = {"key": "test.notes"}
        await observers.subscribe(request, world.endpoints[0], question, pushed, observer)

    bare = {"key": "test.observed"}
    PayloadEndpoint(bare, observe, payload_io=world.payload_io, owner=world)


@pytest.mark.usefixtures("observed")
async def test_observers_of_a_peer_share_what_is_pushed_and_end_for_themselves(
    world: World,
) -> None:
    filt = {"key": "test.observed", "selector": 1}
    async with world.peer(dialect=Dialect.D2) as peer:
        await peer.send({**filt, "observer": "one"})
        assert (await peer.receive({"key": "test.observed"})).filt["observer"] == "one"
        await peer.send({**filt, "observer": "two"})
        second = await peer.receive({"key": "test.observed"})
        assert second.filt == filt, "the other may not miss it"
        await peer.send({**filt, "observer": "three", "unsubscribe": True})
        await peer.send({**filt, "observer": "one", "unsubscribe": True})
        world.change("c")
        assert (await peer.receive({"key": "test.observed"})).tuples == ["c"]
        await peer.send({**filt, "observer": "two", "unsubscribe": True})
        assert not world.server._watching.watches.watches  # type: ignore[union-attr]


@pytest.mark.usefixtures("observed")
async def test_observers_move_with_their_peer(world: World) -> None:
    filt = {"key": "test.observed", "selector": 1}
    other = World()
    async with world.peer(dialect=Dialect.D2) as peer:
        for observer in ("one", "two"):
            await peer.send({**filt, "observer": observer})
            await peer.receive({"key": "test.observed"})
        watching, taking = world.server._watching, other.server._watching
        assert watching is not None
        assert taking is not None
        [text] = watching.give_peer(peer.uuid)
        async with other.peer(dialect=Dialect.D2) as moved:
            taking.take_peer(Peer(moved.uuid, "test"), text)
            assert (await moved.receive({"key": "test.observed"})).filt == filt
            request = Request(
                PayloadEnvelope({}), Peer(moved.uuid, "test"), codec=world.payload_io.codec
            )
            taking.unsubscribe(request, filt, "one")
            other.change("new")
            assert (await moved.receive({"key": "test.observed"})).tuples == ["new"]
            taking.unsubscribe(request, filt, "two")
            assert not taking.watches.watches
    await other.server.stop(1.0)


@pytest.mark.usefixtures("observed")
async def test_observer_whose_peer_has_gone_meanwhile_goes_on_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str | None]] = []
    monkeypatch.setattr(
        world.server.followers, "tell", lambda name, text, uuid=None: told.append((text, uuid))
    )
    async with world.peer(dialect=Dialect.D2) as peer:
        connection = peer._get_connection()
        asking = asyncio.ensure_future(peer.send({"key": "test.observed", "observer": "one"}))
        while not len(connection.requests):
            await asyncio.sleep(0)
        connection.surrender()
        await eventually(lambda: told, "the other processes to be told")
        await asking
    [(text, uuid)] = told
    assert uuid == peer.uuid
    assert '["one"]' in text
    assert not world.server._watching.watches.watches  # type: ignore[union-attr]


@pytest.mark.usefixtures("observed")
async def test_observer_gets_whole_answers_under_filts_of_its_own(world: World) -> None:
    async with world.peer(dialect=Dialect.D2) as peer:
        await peer.send({"key": "test.observed", "selector": 1, "observer": "me"})
        first = await peer.receive({"key": "test.observed", "observer": "me"})
        assert first.tuples == ["a", "b"]
        world.change("a", "c")
        second = await peer.receive({"key": "test.observed"})
        assert second.filt == {"key": "test.observed", "selector": 1}
        assert second.tuples == ["a", "c"]


async def test_source_is_open_while_somebody_watches(world: World) -> None:
    values: asyncio.Queue[Any] = asyncio.Queue()
    states: list[str] = []

    @query("test.clock", permission=AllowAny, scope="all", payload_io=world.payload_io)
    async def clock(request: Request) -> AsyncIterator[int]:
        states.append("open")
        try:
            while True:
                yield await values.get()
        finally:
            states.append("closed")

    values.put_nowait(1)
    async with world.peer() as one, world.peer() as two:
        name = await watch(one, "test.clock")
        shown = await see(one, name)
        assert (shown.tuples, shown.filt["one"]) == ([1], True)
        await see(two, await watch(two, "test.clock"))
        values.put_nowait(2)
        assert (await see(one, name)).tuples == [2]
        assert (await see(two, name)).tuples == [2]
        await two.request({"key": "vortex.unwatch"}, [name])
        assert states == ["open"]
        await one.request({"key": "vortex.unwatch"}, [name])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert states == ["open", "closed"]
        assert not len(world.sources)


async def test_source_that_never_waits_holds_nobody_up(world: World) -> None:
    yielded = 0

    @query("test.count", permission=AllowAny, payload_io=world.payload_io)
    async def count(request: Request) -> AsyncIterator[int]:
        nonlocal yielded
        while True:
            yielded += 1
            yield yielded

    async with world.peer() as peer, world.peer() as other:
        name = await watch(peer, "test.count")
        seen = [(await see(peer, name)).tuples[0] for _ in range(3)]
        assert seen == sorted(set(seen))
        assert yielded < 1000, "values that nobody has looked at are not asked for"
        assert (await see(other, await watch(other))).tuples == ["a", "b"]


async def test_source_that_fails_is_opened_again(world: World) -> None:
    opened: list[int] = []

    @query("test.flaky", permission=AllowAny, payload_io=world.payload_io)
    async def flaky(request: Request) -> AsyncIterator[list[int]]:
        opened.append(1)
        yield [len(opened)]
        if len(opened) == 1:
            raise ConnectionError("gone")

    async with world.peer() as peer:
        name = await watch(peer, "test.flaky")
        told = [await see(peer, name) for _ in range(2)]
        while not (told[-1].result is None and told[-1].tuples == [2]):
            told.append(await see(peer, name))
        assert "internal" in [one.result["error"] for one in told if one.result is not None]


@contextmanager
def listening(world: World) -> Iterator[None]:
    """Let what a handler tells come to the server, as the hub does."""
    loop = asyncio.get_running_loop()

    with telling.heard_by(partial(tell_on_loop, world.server, loop)):
        yield


@pytest.mark.parametrize("is_async", [False, True])
async def test_writer_is_told_when_its_watches_contain_what_it_wrote(
    world: World, is_async: bool
) -> None:
    def write(request: Request) -> list[Any]:
        world.notes.rows = request.tuples
        telling.tell([Change(NOTES)])
        return ["done"]

    async def write_on_loop(request: Request) -> list[Any]:
        return write(request)

    handler = write_on_loop if is_async else write
    PayloadEndpoint({"key": "test.write"}, handler, payload_io=world.payload_io, owner=world)
    async with world.peer() as peer, world.peer() as other:
        with listening(world):
            reply = await other.request({"key": "test.write"}, ["a"])
            assert (reply.tuples, other.unread) == (["done"], [])
            name = await watch(peer)
            await see(peer, name)
            world.notes.may_read.clear()
            reply = await peer.request({"key": "test.write"}, ["b"])
            world.notes.may_read.set()
            assert reply.tuples == ["done"]
            request_id = reply.filt["PayloadResponse.messageId"]
            keys = [peer.unread.pop(0).filt] if peer.unread else []
            while not keys or keys[-1]["key"] != "vortex.reflected":
                keys.append((await peer.receive()).filt)
        assert [one["key"] for one in keys] == [
            "vortex.reflecting",
            "vortex.watched",
            "vortex.reflected",
        ]
        assert [keys[0]["id"], keys[2]["id"]] == [request_id, request_id]


async def test_what_changes_and_nobody_tells_is_found_by_the_sweep() -> None:
    versions = iter(range(1_000_000))

    def look(database: str, tables: Collection[str]) -> Look:
        return Look(marks=dict.fromkeys(tables, next(versions)))

    async def run_sync(function: Callable[[], Look | None]) -> Look | None:
        return function()

    world = World(SweepOptions(look, run_sync, seconds=0.5, jitter=lambda: 0.0))
    try:
        async with world.peer() as peer:
            name = await watch(peer)
            assert (await see(peer, name)).tuples == ["a", "b"]
            world.notes.rows.append("c")  # and nobody is told
            assert "c" in (await see(peer, name)).tuples
    finally:
        await world.server.stop(1.0)
    assert len(asyncio.all_tasks()) == 1


async def test_users_share_what_is_the_same_for_all(world: World) -> None:
    world.add("test.same", world.notes.read, may_share=lambda: True, permission=Members())
    world.environment.users["2"] = "Ada"
    async with world.peer("1") as one, world.peer("2") as two:
        await see(one, await watch(one, "test.same"))
        before = world.notes.reads
        await see(two, await watch(two, "test.same"))
        assert world.notes.reads <= before + 1
        world.change("z")
        for peer in (one, two):
            assert (await peer.receive({"key": "vortex.watched"})).filt["to"]
        assert world.notes.reads <= before + 2


async def test_what_depends_on_the_user_after_all_is_not_shared(world: World) -> None:
    def read(request: Request) -> list[Any]:
        rows = world.notes.read(request)
        return rows if "b" in rows else [request.user]

    world.add("test.some", read, may_share=lambda: True)
    async with world.peer("1") as one, world.peer("2") as two:
        names = [await watch(peer, "test.some") for peer in (one, two)]
        for peer, name in zip((one, two), names, strict=True):
            assert (await see(peer, name)).tuples == ["a", "b"]
        world.change("a")
        for peer, name, user in zip((one, two), names, ("Ada", "Bob"), strict=True):
            shown = await see(peer, name)
            while "Ada" not in shown.tuples and "Bob" not in shown.tuples:
                shown = await see(peer, name)
            assert shown.tuples == [user]


@pytest.mark.parametrize("scope", ["user", "all"])
async def test_tenants_have_answers_of_their_own(world: World, scope: Any) -> None:
    entered: list[str] = []

    @contextmanager
    def enter(name: str) -> Iterator[None]:
        entered.append(name)
        yield
        entered.pop()

    def read(request: Request) -> list[Any]:
        return [entered[-1], *world.notes.read(request)]

    world.find_tenant = lambda request: Tenant(
        request.peer.uuid, lambda: enter(f"of {request.peer.uuid}")
    )
    world.add("test.tenant", read, scope=scope)
    async with world.peer("1") as one, world.peer("1") as two:
        for peer in (one, two):
            shown = await see(peer, await watch(peer, "test.tenant"))
            assert shown.tuples[0] == f"of {peer.uuid}"
        world.change("z")
        for peer in (one, two):
            assert (await peer.receive({"key": "vortex.watched"})).filt["to"]


async def test_message_with_far_more_watches_than_a_peer_may_have_is_refused(world: World) -> None:
    async with world.peer() as peer:
        asked = [{"filt": {"key": "test.notes", "number": number}} for number in range(16_001)]
        reply = await peer.request({"key": "vortex.watch"}, asked)
        assert reply.result["error"] == "limit"
        assert not len(world.server._watching.subscriptions)  # type: ignore[union-attr]
