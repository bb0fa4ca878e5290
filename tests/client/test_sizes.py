"""Messages that are large, lines that are idle."""

import asyncio
import os
from collections.abc import Callable

import pytest

from django_vortex import Payload
from django_vortex.client import FateUnknown, connect, websocket_line
from django_vortex.client.client import Client
from django_vortex.client.outgoing import Message
from django_vortex.exceptions import LimitExceeded
from tests.support.far_end import echo
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess

TWENTY_MB = 20_000_000
LIMIT = 64_000_000
IDLE_SECONDS = 60


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def large_server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    names = ("MAX_MESSAGE_BYTES", "MAX_INFLATED_BYTES", "OUTBOX_MAX_BYTES")
    return start_server(request.param, vortex=dict.fromkeys(names, LIMIT))


async def test_G12_twenty_megabytes_both_ways(large_server: ServerProcess, transport: str) -> None:
    text = os.urandom(TWENTY_MB // 2).hex()
    url = f"{large_server.ws_url}/vortex"
    async with (
        connect(url, transports=[transport], open_timeout=60) as vortex,
        vortex.events() as events,
    ):
        assert await echo(vortex, text) == text
        with pytest.raises(TimeoutError):  # nothing was cut meanwhile
            async with asyncio.timeout(0.1):
                await anext(events)


async def test_G12_large_messages_of_the_original_server(original_port: int) -> None:
    text = os.urandom(TWENTY_MB // 2).hex()
    url = f"ws://{HOST}:{original_port}/vortexws"
    async with connect(url, vortexpy=True, open_timeout=60) as vortex:
        assert await echo(vortex, text) == text


async def test_G12_idle_connections_stay(port_of: Callable[[str], int], original_port: int) -> None:
    ways = [
        (f"{port_of('uvicorn')}/vortex", {"transports": [one]}) for one in ("websocket", "http")
    ]
    ways += [
        (f"{port_of('daphne')}/vortex", {"transports": [one]}) for one in ("websocket", "http")
    ]
    ways.append((f"{original_port}/vortexws", {"vortexpy": True}))

    async def idle(where: str, options: dict[str, object]) -> None:
        async with connect(f"ws://{HOST}:{where}", open_timeout=60, **options) as vortex:  # type: ignore[arg-type]
            assert await echo(vortex, 1) == 1
            async with vortex.events() as events:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await anext(events)
            assert await echo(vortex, 2) == 2

    await asyncio.gather(*(idle(*way) for way in ways))


async def ask_for_too_much(vortex: Client) -> None:
    filt = {"key": "e2e.big", "count": 1, "size": 1_000_000}
    with pytest.raises((FateUnknown, LimitExceeded), match="exceeds"):
        await vortex.call(filt, timeout=60)


async def test_G12_answers_beyond_the_limit_are_told_and_not_asked_for_again(
    port_of: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_line, "MAX_MESSAGE_BYTES", 100_000)
    url = f"ws://{HOST}:{port_of('uvicorn')}/vortex"
    async with connect(url, transports=["websocket"], open_timeout=60) as vortex:
        await ask_for_too_much(vortex)
        assert await echo(vortex, 1) == 1, "it comes back"


async def test_G12_messages_beyond_the_limit_of_the_server_are_told(
    server: ServerProcess, transport: str
) -> None:
    url = f"{server.ws_url}/vortex"
    async with (
        connect(url, transports=[transport], open_timeout=60) as vortex,
        vortex.events() as events,
    ):
        for size in (1_500_000, 3_000_000, 5_000_000, 20_000_000):
            too_long = os.urandom(size).hex()
            with pytest.raises(LimitExceeded, match=r"max_message_bytes \(1048576\)"):
                await vortex.call("e2e.echo", tuples=[too_long], timeout=60)
            with pytest.raises(LimitExceeded, match=r"max_message_bytes \(1048576\)"):
                await vortex.send(Payload({"key": "e2e.echo"}, [too_long]))
        assert await echo(vortex, 1) == 1
        with pytest.raises(TimeoutError):  # nothing was cut meanwhile
            async with asyncio.timeout(0.1):
                await anext(events)


@pytest.mark.parametrize("size", [3_000_000, 20_000_000])
async def test_G12_servers_tell_what_is_too_long_though_the_client_does_not_know(
    server: ServerProcess, transport: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a proxy has a limit of its own. A WebSocket is closed then, HTTP goes on."""
    monkeypatch.setattr(Message, "exceeds", lambda self, limit, framed: False)
    url = f"{server.ws_url}/vortex"
    async with (
        connect(url, transports=[transport], open_timeout=60) as vortex,
        vortex.events() as events,
    ):
        small = [asyncio.create_task(echo(vortex, number)) for number in range(3)]
        expected = LimitExceeded if transport == "http" else (LimitExceeded, FateUnknown)
        with pytest.raises(expected, match=r"exceeds|longer|cut"):
            await vortex.call("e2e.echo", tuples=[os.urandom(size).hex()], timeout=60)
        assert await asyncio.gather(*small) == [0, 1, 2]
        assert await echo(vortex, 1) == 1
        if transport == "http":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await anext(events)


async def test_G12_messages_that_are_too_long_together_arrive_one_after_the_other(
    start_server: StartServer, transport: str
) -> None:
    """A client writes up to 256 KiB at once; this server takes bodies of 80 kB."""
    server = start_server("daphne", vortex={"MAX_MESSAGE_BYTES": 20_000})
    texts = [os.urandom(4000).hex() for _ in range(60)]
    async with connect(
        f"{server.ws_url}/vortex", transports=[transport], open_timeout=60
    ) as vortex:
        assert await asyncio.gather(*(echo(vortex, text) for text in texts)) == texts
        with pytest.raises(LimitExceeded, match=r"max_message_bytes \(20000\)"):
            await echo(vortex, os.urandom(20_000).hex())
        assert await echo(vortex, 1) == 1
    await asyncio.to_thread(server.stop)


async def test_G12_two_hundred_cancelled_calls_leave_the_pool_empty(
    port_of: Callable[[str], int],
) -> None:
    url = f"ws://{HOST}:{port_of('uvicorn')}/vortex"
    async with connect(url, transports=["http"], open_timeout=60) as vortex:
        for number in range(200):
            call = asyncio.create_task(vortex.call("e2e.slow_async", seconds=3600, timeout=None))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        assert await echo(vortex, 1) == 1
        assert not vortex._core.requests
        assert len(vortex._core.outgoing) == 0
