"""Who the client is: tokens of single attempts, logins that begin and end."""

import asyncio
from typing import Any

import pytest

from django_vortex import Payload
from django_vortex.client import (
    Client,
    ClientError,
    FateUnknown,
    NotConnected,
    Offline,
    Online,
    Refused,
    RefusedForGood,
    connect,
    connect_sync,
    tokens,
)
from tests.e2e.logins import Login
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import PATIENCE_SECONDS, eventually

LONG = {"open_timeout": PATIENCE_SECONDS}
OFTEN = {"HEARTBEAT_SECONDS": 1.0, "RECHECK_SECONDS": 0.5}


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param, vortex=OFTEN)


async def who(vortex: Client) -> object:
    return (await vortex.call("e2e.who", timeout=60)).tuples[1]


async def log_in(server: ServerProcess) -> tuple[Login, dict[str, str]]:
    login = await asyncio.to_thread(Login, server)
    name, _, value = login.cookie.partition("=")
    return login, {name: value}


async def test_E2_renew_connects_as_who_the_cookies_name_now(
    server: ServerProcess, proxy: TcpProxy, transport: str
) -> None:
    cookies: dict[str, str] = {}
    options: dict[str, Any] = {"transports": [transport], "cookies": cookies, **LONG}
    async with (
        connect(proxy.url, **options) as vortex,
        vortex.on("e2e.nobody") as echoes,
        vortex.events() as events,
    ):
        uuid = vortex.uuid
        assert await who(vortex) is None
        login, fresh = await log_in(server)
        cookies.update(fresh)
        slow = asyncio.create_task(vortex.call("e2e.slow_async", seconds=3600, timeout=None))
        await vortex.send(Payload({"key": "e2e.nobody", "rapuiServerEcho": True}, tuples=[1]))
        await vortex.renew(60)
        assert isinstance(await anext(events), Offline)
        assert isinstance(await anext(events), Online)
        with pytest.raises(FateUnknown):
            await slow
        assert vortex.uuid != uuid
        assert await who(vortex) == login.user
        cookies.clear()
        await vortex.renew(60)
        assert await who(vortex) is None
        await vortex.send(Payload({"key": "e2e.nobody", "rapuiServerEcho": True}, tuples=[2]))
        heard = await anext(echoes)
        if heard.tuples == [1]:  # it came before the connection was left
            heard = await anext(echoes)
        assert heard.tuples == [2], "readers go on"


async def test_E2_logged_out_client_is_refused_and_renewed_by_a_new_login(
    server: ServerProcess, proxy: TcpProxy, transport: str
) -> None:
    login, cookies = await log_in(server)
    options: dict[str, Any] = {"transports": [transport], "cookies": cookies, **LONG}
    async with connect(proxy.url, **options) as vortex, vortex.events() as events:
        assert await who(vortex) == login.user
        await asyncio.to_thread(login.revoke, "logout")
        assert isinstance(await anext(events), Offline)
        assert isinstance(await anext(events), RefusedForGood), "and never anonymous"
        with pytest.raises(Refused):
            await vortex.call("e2e.who")
        another, fresh = await log_in(server)
        cookies.update(fresh)
        await vortex.renew(60)
        assert await who(vortex) == another.user


async def test_E2_renew_asks_for_the_token_anew_and_there_may_be_none(
    proxy: TcpProxy, transport: str
) -> None:
    given = iter(["first", "second", None])
    options: dict[str, Any] = {"transports": [transport], "token": lambda: next(given), **LONG}
    async with connect(proxy.url, **options) as vortex:
        assert b"Bearer first" in proxy.heads[-1]
        await vortex.renew(60)
        assert b"Bearer second" in proxy.heads[-1]
        await vortex.renew(60)
        assert b"Bearer" not in proxy.heads[-1]
        await who(vortex)


async def test_E2_renewing_without_a_connection_drops_what_waits(
    proxy: TcpProxy, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.passes.clear()
    async with connect(proxy.url, transports=[transport], open_timeout=0) as vortex:
        asking = asyncio.create_task(vortex.call("e2e.echo", tuples=["old"], timeout=None))
        await asyncio.sleep(0)  # it is made
        await vortex.send(Payload({"key": "e2e.nobody"}))
        with pytest.raises(NotConnected):
            await vortex.renew(0.1)
        with pytest.raises(NotConnected, match="begun anew"):
            await asking
        assert "2 messages were not written" in caplog.text
        renewing = [asyncio.create_task(vortex.renew(60)) for _ in range(3)]
        proxy.passes.set()
        await asyncio.gather(*renewing)
        assert await who(vortex) is None
    await eventually(lambda: proxy.count == 0, "the end of all connections")


@pytest.mark.parametrize("turns", range(0, 30, 5))
async def test_E2_cancelled_or_closed_renewing_leaves_nothing(
    proxy: TcpProxy, transport: str, turns: int
) -> None:
    async with connect(proxy.url, transports=[transport], **LONG) as vortex:
        renewing = asyncio.create_task(vortex.renew(60))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        assert await who(vortex) is None
        renewing = asyncio.create_task(vortex.renew(60))
        await asyncio.sleep(0.001 * turns)
    with pytest.raises(ClientError):
        await renewing
        raise ClientError("it was quicker")
    assert [one for one in asyncio.all_tasks() if one.get_name().startswith("vortex")] == []
    await eventually(lambda: proxy.count == 0, "the end of all connections")


def test_E2_synchronous_client_renews(server: ServerProcess) -> None:
    with connect_sync(f"{server.ws_url}/vortex", open_timeout=60) as vortex:
        vortex.renew(60)
        assert vortex.call("e2e.echo", tuples=[1], timeout=60).tuples == [1]


async def test_E1_token_callable_that_hangs_or_throws_is_a_failed_attempt(
    proxy: TcpProxy, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "TOKEN_SECONDS", 0.2)
    asked: list[int] = []

    async def get_token() -> str:
        asked.append(len(asked))
        if len(asked) == 1:
            await asyncio.Event().wait()
        if len(asked) == 2:
            raise RuntimeError("no network")
        if len(asked) == 3:
            raise asyncio.CancelledError  # as of a task of the callable's own
        return "good"

    options: dict[str, Any] = {"transports": [transport], "token": get_token, "open_timeout": 0}
    async with connect(proxy.url, **options) as vortex:
        assert await who(vortex) is None
        assert len(asked) == 4
        assert all(b"Bearer good" in head for head in proxy.heads)


def test_E1_token_callable_has_ten_seconds() -> None:
    assert tokens.TOKEN_SECONDS == 10


async def test_E1_late_tokens_are_of_their_own_attempt_only(
    proxy: TcpProxy, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens of three attempts come in reversed order; only the last is ever sent."""
    monkeypatch.setattr(tokens, "TOKEN_SECONDS", 0.2)
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[str]] = []

    def get_token() -> asyncio.Future[str]:
        futures.append(loop.create_future())
        if len(futures) == 3:
            for number in (3, 2, 1):
                if not futures[number - 1].done():
                    futures[number - 1].set_result(f"token-{number}")
        return asyncio.shield(futures[-1])  # type: ignore[return-value]

    options: dict[str, Any] = {"transports": [transport], "token": get_token, "open_timeout": 0}
    async with connect(proxy.url, **options) as vortex:
        assert await who(vortex) is None
        assert len(futures) == 3
        assert [future.result() for future in futures] == ["token-1", "token-2", "token-3"]
        assert all(b"Bearer token-3" in head for head in proxy.heads)
