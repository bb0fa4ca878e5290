"""Watching answers of real servers over both transports."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any

import pytest

from django_vortex.client import (
    Client,
    ClientError,
    GenericTuple,
    InternalError,
    PermissionDenied,
    TimedOut,
    UnknownEndpoint,
    ValidationError,
    Watch,
    WatchEnded,
    connect,
    connect_sync,
)
from tests.support.fixtures import StartServer
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS, eventually

_numbers = count(1)


@pytest.fixture
def prefix() -> Iterator[str]:
    """What the titles of the tickets of one test begin with."""
    yield f"watched {next(_numbers)} "


@asynccontextmanager
async def connected(url: str, transport: str = "websocket") -> AsyncIterator[Client]:
    async with connect(url, transports=[transport], open_timeout=60) as vortex:
        yield vortex


async def change(vortex: Client, prefix: str, *deeds: list[Any]) -> None:
    await vortex.call("e2e.change_watched", prefix=prefix, tuples=deeds, timeout=60)


async def next_of(watch: Watch) -> Any:
    return await watch.next(timeout=PATIENCE_SECONDS)


async def until(watch: Watch, *titles: str) -> None:
    """Read until the answer is what it should be."""
    expected = [f"{watch._subscribed.filt['prefix']}{title}" for title in titles]
    while watch.answer is None or titles_of(watch.answer) != expected:
        await next_of(watch)


def titles_of(rows: list[Any]) -> list[str]:
    return [row.title for row in rows]


async def test_answer_comes_now_and_after_every_change(
    server: ServerProcess, transport: str, prefix: str
) -> None:
    url = f"{server.ws_url}/vortex"
    async with (
        connected(url, transport) as vortex,
        vortex.watch("e2e.watched", prefix=prefix) as tickets,
        vortex.watch("e2e.watched_count", prefix=prefix) as number,
    ):
        assert await next_of(tickets) == []
        assert await next_of(number) == 0
        await change(vortex, prefix, ["create", *"abcdefghij"])
        await until(tickets, *"abcdefghij")
        assert await next_of(number) == 10
        before = tickets.answer
        await change(vortex, prefix, ["rename", "c", "cc"])
        await until(tickets, "a", "b", "cc", *"defghij")
        assert [one is other for one, other in zip(before, tickets.answer, strict=True)] == [
            *(True, True, False),
            *[True] * 7,
        ]
        reading = tickets.changes()
        await change(vortex, prefix, ["delete", "a"], ["create", "z"], ["rename", "b", "y"])
        changes = await asyncio.wait_for(anext(reading), PATIENCE_SECONDS)
        assert titles_of(changes.added) == [f"{prefix}z"]
        assert titles_of(changes.removed) == [f"{prefix}a"]
        assert [(one.title, other.title) for one, other in changes.changed] == [
            (f"{prefix}b", f"{prefix}y")
        ]
        assert titles_of(changes.answer) == [
            f"{prefix}{one}" for one in ["cc", *"defghij", "y", "z"]
        ]
        await change(vortex, prefix, ["delete", "z"], ["create", "z"])
        await until(tickets, "cc", *"defghij", "y", "z")


async def test_who_writes_has_what_he_has_written_when_the_call_returns(
    server: ServerProcess, transport: str, prefix: str
) -> None:
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:
        watch = vortex.watch("e2e.watched", prefix=prefix)
        number = vortex.watch("e2e.watched_count", prefix=prefix)
        await next_of(watch)
        await next_of(number)
        for done in range(1, 6):
            deeds = [["create", str(done)]]
            reply = await vortex.call("e2e.change_watched", prefix=prefix, tuples=deeds, timeout=60)
            assert reply.is_reflected
            assert len(await watch.next(timeout=0)) == done
            assert await number.next(timeout=0) == done
        assert (await vortex.call("e2e.echo", tuples=[1], timeout=60)).is_reflected


@pytest.mark.parametrize("key", ["e2e.django", "e2e.sqlalchemy"])
@pytest.mark.parametrize("writer_key", ["e2e.django", "e2e.sqlalchemy"])
async def test_rows_are_known_by_their_keys_whichever_library_reads_and_writes_them(
    server: ServerProcess, transport: str, prefix: str, key: str, writer_key: str
) -> None:
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:

        async def save(**values: Any) -> None:
            await vortex.call(writer_key, tuples=[GenericTuple(writer_key, values)], timeout=60)

        await change(vortex, prefix, ["create", *"01234"])
        for row in (await vortex.call("e2e.watched", prefix=prefix, timeout=60)).tuples:
            await save(id=row.id, title=row.title, state="doing")
        watch = vortex.watch(key, where={"state": "doing"})
        reading = watch.changes()
        rows = (await asyncio.wait_for(anext(reading), PATIENCE_SECONDS)).answer
        row = next(one for one in rows if one.title == f"{prefix}3")
        await save(id=row.id, title=f"{prefix}three", state="doing")
        changes = await asyncio.wait_for(anext(reading), PATIENCE_SECONDS)
        assert [(one.title, other.title) for one, other in changes.changed] == [
            (f"{prefix}3", f"{prefix}three")
        ]
        assert (changes.added, changes.removed) == ([], [])
        await save(id=row.id, title=f"{prefix}three", state="done")
        changes = await asyncio.wait_for(anext(reading), PATIENCE_SECONDS)
        assert titles_of(changes.removed) == [f"{prefix}three"]
        assert (changes.added, changes.changed) == ([], [])


async def test_slow_reader_gets_the_newest_answer(server: ServerProcess, prefix: str) -> None:
    url = f"{server.ws_url}/vortex"
    async with connected(url) as vortex, connected(url) as other:
        slow = vortex.watch("e2e.watched", prefix=prefix)
        quick = vortex.watch("e2e.watched", prefix=prefix)
        await next_of(slow)
        for number in range(10):
            await change(other, prefix, ["create", str(number)])
            await until(quick, *"0123456789"[: number + 1])
        assert len(await next_of(slow)) == 10
        with pytest.raises(TimedOut, match="No other answer"):
            await slow.next(timeout=0)


async def test_watch_goes_on_after_cuts_and_misses_nothing(
    server: ServerProcess, proxy: TcpProxy, transport: str, prefix: str
) -> None:
    random = Random(7)
    async with (
        connected(proxy.url, transport) as vortex,
        connected(f"{server.ws_url}/vortex") as writer,
    ):
        watch = vortex.watch("e2e.watched", prefix=prefix)
        number = vortex.watch("e2e.watched_count", prefix=prefix)
        await next_of(watch)
        titles: list[str] = []
        for _ in range(4):
            proxy.cut()
            for _ in range(random.randint(1, 4)):
                if titles and random.random() < 0.3:
                    await change(writer, prefix, ["delete", titles.pop()])
                else:
                    titles.append(str(random.random()))
                    await change(writer, prefix, ["create", titles[-1]])
            await until(watch, *sorted(titles))
        while await next_of(number) != len(titles):
            pass
        # What was kept for the peer over the last cut comes before the reply.
        await eventually(lambda: watch.is_current, "the server to watch again")


async def test_watch_goes_on_as_another_peer(
    server: ServerProcess, transport: str, prefix: str
) -> None:
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:
        watch = vortex.watch("e2e.watched", prefix=prefix)
        await next_of(watch)
        uuid = vortex.uuid
        await vortex.renew(timeout=60)
        assert vortex.uuid != uuid
        await change(vortex, prefix, ["create", "a"])
        await until(watch, "a")


async def test_unchanged_answer_is_not_sent_again_after_a_cut(
    server: ServerProcess, proxy: TcpProxy, transport: str, prefix: str
) -> None:
    async with connected(proxy.url, transport) as vortex:
        await change(vortex, prefix, ["create", *"abc"])
        watch = vortex.watch("e2e.watched", prefix=prefix)
        await until(watch, *"abc")
        subscribed: Any = watch._subscribed
        snapshot = subscribed.watched.snapshot
        proxy.cut()
        await eventually(lambda: not watch.is_current, "the cut to be noticed")
        await eventually(lambda: watch.is_current, "the server to say that nothing has changed")
        assert subscribed.watched.snapshot is snapshot
        with pytest.raises(TimedOut):
            await watch.next(timeout=0)


async def test_watch_goes_on_with_another_process(
    start_server: StartServer, redis_server: RedisServer, transport: str, prefix: str
) -> None:
    servers = [
        start_server("uvicorn", layer="pubsub", redis_url=redis_server.url) for _ in range(2)
    ]
    async with (
        tcp_proxy(servers[0].port, "vortex") as proxy,
        connected(proxy.url, transport) as vortex,
        connected(f"{servers[1].ws_url}/vortex") as writer,
    ):
        watch = vortex.watch("e2e.watched", prefix=prefix)
        await next_of(watch)
        await change(writer, prefix, ["create", *"abcdef"])
        await until(watch, *"abcdef")
        before = watch.answer
        proxy.target = servers[1].port
        proxy.cut()
        await change(writer, prefix, ["create", "x"])
        await until(watch, *"abcdefx")
        assert all(one is other for one, other in zip(before, watch.answer, strict=False))
        proxy.target = servers[0].port
        proxy.cut()
        await change(writer, prefix, ["delete", "a"])
        await until(watch, *"bcdefx")
    for server in servers:
        server.stop()


async def test_watch_goes_on_when_its_server_was_killed(
    start_server: StartServer, transport: str, prefix: str
) -> None:
    server = start_server("uvicorn")
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:
        await change(vortex, prefix, ["create", *"abcdef"])
        watch = vortex.watch("e2e.watched", prefix=prefix)
        await until(watch, *"abcdef")
        before = watch.answer
        server.kill()
        await eventually(lambda: not watch.is_current, "the end to be noticed")
        server.restart()
        await eventually(lambda: watch.is_current, "the server to watch again")
        await change(vortex, prefix, ["rename", "a", "b"])
        await until(watch, "b", *"bcdef")
        assert sum(one is other for one in watch.answer for other in before) == 5
    server.stop()


async def test_failure_that_may_pass_is_told_and_passes(
    server: ServerProcess, transport: str, prefix: str
) -> None:
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:
        watch = vortex.watch("e2e.watched_fragile", prefix=prefix)
        assert await next_of(watch) == []
        await change(vortex, prefix, ["create", "broken"])
        await eventually(lambda: watch.error is not None, "the failure to be told")
        assert isinstance(watch.error, InternalError)
        assert "Not for peers" not in str(watch.error)
        assert not watch.is_current
        await change(vortex, prefix, ["rename", "broken", "mended"])
        assert await next_of(watch) == [f"{prefix}mended"]
        assert watch.error is None


async def test_right_that_goes_ends_the_watch(
    server: ServerProcess, transport: str, prefix: str
) -> None:
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:
        watch = vortex.watch("e2e.watched_fragile", prefix=prefix)
        assert await next_of(watch) == []
        await change(vortex, prefix, ["create", "secret"])
        with pytest.raises(WatchEnded, match="There is a secret") as caught:
            await next_of(watch)
        assert isinstance(caught.value.error, PermissionDenied)
        with pytest.raises(WatchEnded, match="There is a secret"):
            await next_of(vortex.watch("e2e.watched_fragile", prefix=prefix))


async def test_what_cannot_be_watched_says_why(server: ServerProcess, transport: str) -> None:
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:
        for watch, kind, text in (
            (vortex.watch("e2e.nobody"), UnknownEndpoint, "Nothing answers 'e2e.nobody'"),
            (vortex.watch("e2e.echo"), Exception, "cannot be watched"),
            (vortex.watch("e2e.watched", prefix=3), ValidationError, "Expected `str`, got 3"),
        ):
            with pytest.raises(WatchEnded, match=text) as caught:
                await next_of(watch)
            assert isinstance(caught.value.error, kind)


async def test_who_watches_too_much_is_told_and_keeps_the_rest(
    start_server: StartServer, transport: str, prefix: str
) -> None:
    limits = {"MAX_WATCHES_PER_PEER": 3, "MAX_WATCHED_ROWS": 5}
    server = start_server("uvicorn", vortex=limits)
    async with connected(f"{server.ws_url}/vortex", transport) as vortex:
        watches = [vortex.watch("e2e.watched", prefix=f"{prefix}{number} ") for number in range(10)]
        refused = []
        for number, watch in enumerate(watches):
            try:
                assert await next_of(watch) == []
            except WatchEnded as error:
                refused.append(number)
                assert "3" in str(error)
        assert refused == list(range(3, 10))
        await watches[0].aclose()
        again = vortex.watch("e2e.watched", prefix=f"{prefix}1")
        assert await next_of(again) == []
        await change(vortex, f"{prefix}1 ", ["create", *"abcdef"])
        with pytest.raises(WatchEnded, match="6 rows, more than can be watched"):
            await next_of(again)
    server.stop()


async def test_values_that_no_database_has_are_watched(server: ServerProcess) -> None:
    async with connected(f"{server.ws_url}/vortex") as vortex:
        watch = vortex.watch("e2e.watched_ticks", start=5)
        seen = [await next_of(watch) for _ in range(3)]
        assert seen == sorted(seen)
        assert len(set(seen)) == 3


def test_watch_without_an_event_loop(server: ServerProcess, prefix: str) -> None:
    with (
        connect_sync(f"{server.ws_url}/vortex", open_timeout=60) as vortex,
        vortex.watch("e2e.watched_count", prefix=prefix) as number,
    ):
        assert next(number) == 0
        deeds = [["create", "a"]]
        vortex.call("e2e.change_watched", prefix=prefix, tuples=deeds, timeout=60)
        assert number.next(timeout=PATIENCE_SECONDS) == 1
        assert (number.answer, number.error, number.is_current) == (1, None, True)
        changes = number.changes()
        deeds = [["create", "b"]]
        vortex.call("e2e.change_watched", prefix=prefix, tuples=deeds, timeout=60)
        assert next(changes).changed == [(1, 2)]


async def test_server_of_vortexpy_has_no_watches() -> None:
    async with connect("ws://127.0.0.1:1/vortexws", vortexpy=True, open_timeout=0) as vortex:
        with pytest.raises(ClientError, match="A server of VortexPY has no watches"):
            vortex.watch("a")
