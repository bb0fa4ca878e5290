"""What goes wrong in the field, tried on the client with real servers behind a proxy."""

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

from django_vortex import Payload
from django_vortex.client import (
    Client,
    ClientError,
    Closed,
    NotConnected,
    Offline,
    Online,
    Overflow,
    Refused,
    RefusedForGood,
    UpdateRequired,
    connect,
    connecting,
    driver,
)
from tests.support.far_end import client_tasks, echo
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import FORBIDDEN, LOGIN_PAGE, REDIRECT, TcpProxy, tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS, eventually

LONG = {"open_timeout": PATIENCE_SECONDS}


async def cut(proxy: TcpProxy, vortex: Client) -> None:
    """Cut the connection and wait until the client has noticed."""
    async with vortex.events() as events:
        proxy.cut()
        assert isinstance(await anext(events), Offline)


async def test_A6_attempt_that_hangs_ends_at_its_limit(
    proxy: TcpProxy, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "ATTEMPT_SECONDS", 0.3)
    monkeypatch.setattr(driver, "MAX_ATTEMPT_SECONDS", 0.3)
    proxy.passes.clear()
    with pytest.raises(NotConnected, match="The server said nothing in time"):
        async with connect(proxy.url, transports=[transport], open_timeout=2):
            raise AssertionError("connected to nothing")
    monkeypatch.undo()
    async with connect(proxy.url, transports=[transport], open_timeout=0) as vortex:
        proxy.passes.set()
        assert await echo(vortex, 1) == 1


async def test_B4_refused_handshakes_and_foreign_pages_are_failed_attempts(
    proxy: TcpProxy, transport: str
) -> None:
    proxy.answer = LOGIN_PAGE
    async with connect(proxy.url, transports=[transport], open_timeout=0) as vortex:
        await eventually(lambda: len(proxy.heads) >= 2, "two attempts")
        assert not vortex.is_online
        proxy.answer = None
        assert await echo(vortex, 1) == 1


async def test_B4_redirects_are_not_followed_with_the_token(
    proxy: TcpProxy, server: ServerProcess, transport: str
) -> None:
    async with tcp_proxy(server.port) as elsewhere:
        proxy.answer = REDIRECT % elsewhere.url.encode()
        options = {"transports": [transport], "token": "secret", "open_timeout": 0}
        async with connect(proxy.url, **options) as vortex:
            await eventually(lambda: len(proxy.heads) >= 2, "two attempts")
            assert not elsewhere.heads
            proxy.answer = None
            assert await echo(vortex, 1) == 1


@pytest.mark.parametrize("step", ["token", "tcp", "info"])
async def test_B6_closed_at_a_step_of_an_attempt_never_comes_back(
    proxy: TcpProxy, transport: str, step: str
) -> None:
    reached = asyncio.Event()

    async def get_token() -> str:
        if step == "token":
            reached.set()
            await asyncio.Event().wait()
        return "secret"

    if step == "tcp":
        proxy.passes.clear()
    elif step == "info":
        proxy.answer = b"HTTP/1.1 "  # and the rest never comes
    options = {"transports": [transport], "token": get_token, "open_timeout": 0}
    async with connect(proxy.url, **options) as vortex:
        call = asyncio.create_task(vortex.call("e2e.echo"))
        if step == "token":
            await reached.wait()
        else:
            await eventually(lambda: proxy.heads or proxy.count, "a connection")
    with pytest.raises(Closed):
        await call
    assert client_tasks() == []
    proxy.passes.set()
    await eventually(lambda: proxy.count == 0, "the end of the connection")
    tried = len(proxy.heads)
    await asyncio.sleep(1)
    assert len(proxy.heads) == tried


async def test_B8_blocked_websocket_means_http_and_back(
    proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RETURN_SECONDS", (0.2,))
    proxy.answer_to_upgrades = FORBIDDEN
    async with connect(proxy.url, **LONG) as vortex, vortex.events() as events:
        assert await echo(vortex, 1) == 1
        tried = len(proxy.heads)
        await eventually(lambda: len(proxy.heads) > tried, "a probe")
        assert vortex.is_online, "a probe that fails disturbs nothing"
        proxy.answer_to_upgrades = None
        assert isinstance(await anext(events), Offline)
        event = await anext(events)
        assert isinstance(event, Online)
        assert event.transport == "websocket"
        assert await echo(vortex, 2) == 2


async def test_C3_request_over_a_cut(proxy: TcpProxy, transport: str) -> None:
    async with connect(proxy.url, transports=[transport], **LONG) as vortex:
        slow = asyncio.create_task(vortex.call("e2e.slow_async", seconds=1, number=5, timeout=60))
        await vortex.flush(timeout=60)
        assert await echo(vortex, 1) == 1
        proxy.cut()
        assert (await slow).tuples == [5]  # the server keeps what is due for the next stream
        assert await echo(vortex, 2) == 2


async def test_C5_sender_waits_while_there_is_no_room(proxy: TcpProxy) -> None:
    proxy.passes.clear()
    async with connect(proxy.url, open_timeout=0) as vortex:

        async def send_many() -> None:
            for number in range(3000):
                await vortex.send(Payload({"key": "e2e.nobody", "number": number}))

        sending = asyncio.create_task(send_many())
        await asyncio.sleep(0.5)
        assert not sending.done()
        with pytest.raises(ClientError, match="2000 messages have not arrived"):
            await vortex.flush(timeout=0.01)
        proxy.passes.set()
        await sending
        await vortex.flush(timeout=60)


async def test_E1_token_is_asked_for_each_attempt(proxy: TcpProxy, transport: str) -> None:
    asked = []

    async def get_token() -> str:
        asked.append(1)
        if len(asked) == 1:
            raise RuntimeError("no network")
        return f"secret-{len(asked)}"

    async with connect(proxy.url, transports=[transport], token=get_token, **LONG) as vortex:
        assert await echo(vortex, 1) == 1
        assert len(asked) == 2
        assert b"secret-2" in proxy.heads[-1]
        assert b"secret" not in proxy.heads[-1].split(b"\r\n")[0]
        await cut(proxy, vortex)
        assert await echo(vortex, 2) == 2
        assert b"secret-3" in proxy.heads[-1]


async def test_E2_client_with_a_token_never_becomes_anonymous(proxy: TcpProxy) -> None:
    tokens = iter(["good", None])
    async with (
        connect(proxy.url, token=lambda: next(tokens), **LONG) as vortex,
        vortex.events() as events,
    ):
        proxy.cut()
        assert isinstance(await anext(events), Offline)
        assert isinstance(await anext(events), RefusedForGood)
        with pytest.raises(Refused, match="no token any more"):
            await anext(events)
        with pytest.raises(Refused):
            await vortex.call("e2e.echo")


async def test_F4_handshake_offers_no_compression(proxy: TcpProxy) -> None:
    async with connect(proxy.url, **LONG) as vortex:
        assert await echo(vortex, 1) == 1
        assert b"extensions" not in proxy.heads[0].lower()


async def test_G3_asking_in_the_loop_of_a_reader(
    proxy: TcpProxy, server: ServerProcess, transport: str
) -> None:
    async with (
        connect(proxy.url, name="nested", transports=[transport], **LONG) as vortex,
        vortex.on("e2e.pushed") as pushes,
    ):
        await asyncio.to_thread(server.push, count=3, to_name="nested", wait=1)
        for number in range(3):
            push = await anext(pushes)
            assert await echo(vortex, push.tuples[0]) == number


async def test_G4_slow_reader_is_told_what_it_missed(
    proxy: TcpProxy, server: ServerProcess
) -> None:
    async with (
        connect(proxy.url, name="slow", **LONG) as vortex,
        vortex.on("e2e.pushed", max_waiting=3) as pushes,
    ):
        await asyncio.to_thread(server.push, count=10, to_name="slow", wait=1)
        assert await echo(vortex, 1) == 1  # behind the pushes
        assert [(await anext(pushes)).tuples for _ in range(3)] == [[0], [1], [2]]
        with pytest.raises(Overflow) as caught:
            await anext(pushes)
        assert caught.value.lost == 7
        await asyncio.to_thread(server.push, first=10, to_name="slow", wait=1)
        assert (await anext(pushes)).tuples == [10]


async def test_G4_stream_is_held_for_readers_that_read(
    proxy: TcpProxy, server: ServerProcess, transport: str
) -> None:
    """A hundred times as much as there is room for, and nothing is lost."""
    options: dict[str, Any] = {"name": f"held-{transport}", "transports": [transport], **LONG}
    async with (
        connect(proxy.url, **options) as vortex,
        vortex.on("e2e.pushed", max_waiting=4) as pushes,
    ):
        pushing = asyncio.to_thread(server.push, count=400, to_name=f"held-{transport}", wait=1)
        pushed = asyncio.create_task(pushing)
        for number in range(400):
            assert (await anext(pushes)).tuples == [number]
            await asyncio.sleep(0)
        await pushed


async def test_G4_reader_that_sleeps_holds_up_nobody_for_long(
    proxy: TcpProxy, server: ServerProcess, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"asleep-{transport}"
    options: dict[str, Any] = {"name": name, "transports": [transport], **LONG}
    async with (
        connect(proxy.url, **options) as vortex,
        vortex.on("e2e.pushed", max_waiting=4) as asleep,
        vortex.on("e2e.pushed", max_waiting=1000) as awake,
    ):
        for first in range(0, 200, 20):
            push = {"count": 20, "first": first, "to_name": name, "wait": 1}
            await asyncio.to_thread(server.push, **push)
            assert await echo(vortex, first) == first
        assert [(await anext(awake)).tuples[0] for _ in range(200)] == list(range(200))
        read = []
        with pytest.raises(Overflow) as caught:
            while True:
                read.append((await anext(asleep)).tuples[0])
        assert read == list(range(len(read)))
        assert len(read) + caught.value.lost == 200
        assert vortex.is_online
    assert caplog.text.count("too slow") == 1


async def test_G4_blocked_loop_is_no_dead_server(
    proxy: TcpProxy,
    transport: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(connecting, "SILENT_SECONDS", 10.0)
    async with connect(proxy.url, transports=[transport], **LONG) as vortex:
        tried = len(proxy.heads)
        assert await echo(vortex, 1) == 1
        time.sleep(11)
        await asyncio.sleep(1)
        assert await echo(vortex, 2) == 2
        assert vortex.is_online
    assert "has blocked the event loop" in caplog.text
    # Over HTTP there is another request for what was asked afterwards.
    assert len(proxy.heads) <= tried + (0 if transport == "websocket" else 2)


async def test_G5_leaving_a_loop_ends_the_registration(proxy: TcpProxy) -> None:
    async with connect(proxy.url, **LONG) as vortex:
        listeners = vortex._core.listeners

        async with vortex.on("a"):
            assert len(listeners) == 1
        assert len(listeners) == 0

        feed = vortex.on("a")
        reading = asyncio.create_task(anext(feed))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        del reading
        assert len(listeners) == 1
        del feed
        gc.collect()
        await asyncio.sleep(0)
        assert len(listeners) == 0


async def test_G6_end_of_a_background_task_is_a_cut(proxy: TcpProxy, transport: str) -> None:
    async with connect(proxy.url, transports=[transport], **LONG) as vortex:
        assert await echo(vortex, 1) == 1
        for name in ("vortex-_read", "vortex-_write", "vortex-_watch"):
            (task,) = [task for task in asyncio.all_tasks() if task.get_name() == name]
            task.cancel()
            await eventually(task.done, "its end")
            assert await echo(vortex, 2) == 2


async def test_G6_refusal_for_good_settles_all_that_wait(proxy: TcpProxy) -> None:
    headers = {"Origin": "http://evil.example"}
    async with connect(proxy.url, headers=headers, open_timeout=0) as vortex:
        waiting = [
            asyncio.ensure_future(one)
            for one in (
                vortex.call("e2e.echo"),
                vortex.flush(None),
                vortex.wait_online(),
                anext(vortex.on("a")),
                vortex.call("e2e.echo", timeout=None),
            )
        ]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in results] == [Refused] * 5
        assert "Pages of this origin may not connect" in str(results[0])
    with pytest.raises(Refused):
        async with connect(proxy.url, headers=headers, **LONG):
            raise AssertionError("connected all the same")


async def test_E6_client_that_is_too_old_is_told_so(proxy: TcpProxy, transport: str) -> None:
    url = f"{proxy.url}?vortexVersion=0"
    async with connect(url, transports=[transport], open_timeout=0) as vortex:
        events = vortex.events()
        with pytest.raises(UpdateRequired, match="update the client"):
            await vortex.call("e2e.echo", timeout=None)
        event = await anext(events)
        assert isinstance(event, RefusedForGood)
        assert event.code == (4426 if transport == "websocket" else 426)
        attempts = len(proxy.heads)
        await asyncio.sleep(1)
        assert len(proxy.heads) == attempts, "it does not come back"
    with pytest.raises(UpdateRequired):
        async with connect(url, **LONG):
            raise AssertionError("connected all the same")


async def test_G6_closing_settles_all_that_wait(proxy: TcpProxy, transport: str) -> None:
    async with connect(proxy.url, transports=[transport], **LONG) as vortex:
        feed = vortex.on("a")
        waiting = [
            asyncio.ensure_future(one)
            for one in (vortex.call("e2e.slow_async", seconds=60, timeout=None), anext(feed))
        ]
        await vortex.flush(60)
    assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [
        Closed,
        Closed,
    ]


async def test_G10_other_threads_and_loops_are_told(proxy: TcpProxy) -> None:
    async with connect(proxy.url, **LONG) as vortex:
        caught: list[BaseException] = []

        def use() -> None:
            try:
                asyncio.run(vortex.call("e2e.echo"))
            except ClientError as error:
                caught.append(error)
            try:
                vortex.on("a")
            except ClientError as error:
                caught.append(error)

        thread = threading.Thread(target=use)
        thread.start()
        await eventually(lambda: not thread.is_alive(), "the thread")
        assert ["event loop" in str(error) for error in caught] == [True, True]


async def test_G12_large_answer(proxy: TcpProxy, transport: str) -> None:
    async with connect(proxy.url, transports=[transport], **LONG) as vortex:
        reply = await vortex.call("e2e.big", count=24, size=250_000, timeout=None)
        assert sum(map(len, reply.tuples)) == 6_000_000
