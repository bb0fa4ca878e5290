"""The client behind a proxy that delivers nothing of a response before its end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from django_vortex import Payload
from django_vortex.client import Offline, Online, connect, driver
from tests.support.far_end import client_tasks, echo
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import FORBIDDEN, TcpProxy, tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS, eventually

LONG: dict[str, Any] = {"open_timeout": PATIENCE_SECONDS}


@pytest_asyncio.fixture
async def proxy(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TcpProxy]:
    """A proxy that buffers, for clients that soon notice."""
    monkeypatch.setattr(driver, "INFO_SECONDS", 0.5)
    async with tcp_proxy(server.port) as proxy:
        proxy.buffers = True
        proxy.answer_to_upgrades = FORBIDDEN
        yield proxy


async def test_B11_calls_and_pushes_arrive(proxy: TcpProxy, server: ServerProcess) -> None:
    async with (
        connect(proxy.url, name="short", **LONG) as vortex,
        vortex.on("e2e.pushed") as pushes,
    ):
        for number in range(5):
            assert await echo(vortex, number) == number
        for first in range(0, 60, 20):
            await asyncio.to_thread(server.push, count=20, first=first, to_name="short", wait=1)
            assert [(await anext(pushes)).tuples[0] for _ in range(20)] == [
                *range(first, first + 20)
            ]
        assert await echo(vortex, "behind") == "behind"


async def test_B11_what_is_slow_to_answer_holds_up_nothing(proxy: TcpProxy) -> None:
    async with connect(proxy.url, transports=["http"], **LONG) as vortex:
        slow = asyncio.create_task(vortex.call("e2e.slow_async", seconds=1, number=5, timeout=60))
        answers = await asyncio.gather(*(echo(vortex, number) for number in range(300)))
        assert answers == list(range(300))
        assert not slow.done()
        assert (await slow).tuples == [5]


async def test_B11_sent_messages_are_acknowledged(proxy: TcpProxy) -> None:
    async with connect(proxy.url, transports=["http"], **LONG) as vortex:
        for number in range(3000):  # more than may be unacknowledged
            await vortex.send(Payload({"key": "e2e.nobody", "number": number}))
        await vortex.flush(timeout=60)
        await vortex.send(Payload({"key": "e2e.nobody"}, tuples=["x" * 900_000]))
        for _ in range(10):
            await vortex.send(Payload({"key": "e2e.nobody"}, tuples=["y" * 100_000]))
        await vortex.flush(timeout=60)
        assert await echo(vortex, 1) == 1
    assert client_tasks() == []


async def test_B11_large_answers(proxy: TcpProxy) -> None:
    async with connect(proxy.url, transports=["http"], **LONG) as vortex:
        reply = await vortex.call("e2e.big", count=24, size=250_000, timeout=None)
        assert sum(map(len, reply.tuples)) == 6_000_000


async def test_B11_way_back_to_responses_that_stream(
    proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RETURN_SECONDS", (0.2,))
    async with connect(proxy.url, **LONG) as vortex, vortex.events() as events:
        assert await echo(vortex, 1) == 1
        tried = len(proxy.heads)
        await eventually(lambda: len(proxy.heads) > tried + 2, "a probe")
        assert vortex.is_online
        proxy.buffers = False
        offline = await anext(events)
        assert isinstance(offline, Offline)
        assert offline.reason == "Responses stream now"
        online = await anext(events)
        assert isinstance(online, Online)
        assert online.resumed
        assert await echo(vortex, 2) == 2
        assert not vortex._driver._is_short


async def test_B11_cuts_lose_nothing(proxy: TcpProxy, server: ServerProcess) -> None:
    async with (
        connect(proxy.url, name="short-cut", transports=["http"], **LONG) as vortex,
        vortex.on("e2e.pushed") as pushes,
    ):
        assert await echo(vortex, 1) == 1
        got: list[int] = []

        async def read() -> None:
            async for push in pushes:
                got.append(push.tuples[0])

        reading = asyncio.create_task(read())
        for first in range(0, 100, 10):
            asking = asyncio.gather(*(echo(vortex, number) for number in range(5)))
            await asyncio.to_thread(server.push, count=10, first=first, to_name="short-cut", wait=1)
            if first % 20:
                proxy.cut()
            assert await asking == list(range(5))
        await eventually(lambda: len(got) >= 100, "all pushes")
        assert await echo(vortex, 2) == 2
        assert got == list(range(100))
        reading.cancel()


async def test_B11_websocket_that_is_swallowed(
    proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "ATTEMPT_SECONDS", 1.0)
    proxy.answer_to_upgrades = None
    async with connect(proxy.url, **LONG) as vortex:
        assert await echo(vortex, 1) == 1
        assert vortex._driver._is_short
