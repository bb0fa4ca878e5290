"""The one task that connects: in any order of events one connection at most, and in the end one."""

import asyncio
import json
from collections.abc import Sequence
from random import Random
from urllib.parse import urlsplit

import pytest

from django_vortex.client import backoff, driver
from django_vortex.client.addresses import make_target
from django_vortex.client.client import Client
from django_vortex.client.core import Core
from django_vortex.client.driver import Driver
from django_vortex.client.endings import Ending
from django_vortex.client.errors import Closed
from django_vortex.client.feeds import Feeds
from django_vortex.client.line import Address, LineEnded, TooLongForLine
from django_vortex.client.tokens import Tokens
from django_vortex.exceptions import LimitExceeded
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import NAME_KEY, UUID_KEY, PayloadEnvelope
from django_vortex.wire.messages import encode_message
from django_vortex.wire.opening import SESSION_KEY, SessionInfo
from tests.support.waiting import eventually

CODEC = Codec()
INFO = encode_message(
    PayloadEnvelope({UUID_KEY: "server", NAME_KEY: "its name"}),
    WireForm(Dialect.NATIVE, framed=False),
    None,
    CODEC,
)


COUNTED_INFO = encode_message(
    PayloadEnvelope(
        {
            UUID_KEY: "server",
            NAME_KEY: "its name",
            SESSION_KEY: SessionInfo(False, 1, 0, 1, 30.0).to_record(),
        }
    ),
    WireForm(Dialect.NATIVE, framed=True),
    None,
    CODEC,
)


class World:
    """Servers that refuse, hang, cut and answer at random, and what is connected to them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.is_kind = False
        self.lines: list[FakeLine] = []
        self.most = 0
        self.opened_after_close = 0
        self.is_over = False

    async def dawdle(self) -> None:
        for _ in range(self.random.choice((0, 0, 1, 2, 3, 5))):
            await asyncio.sleep(0)

    async def get_token(self) -> str:
        await self.dawdle()
        if not self.is_kind and self.random.random() < 0.2:
            raise RuntimeError("no network")
        return "secret"

    async def open(self, address: Address, first: Sequence[str]) -> "FakeLine":
        await self.dawdle()
        if not self.is_kind and self.random.random() < 0.3:
            raise LineEnded(Ending("refused"))
        assert not self.is_over, "nothing is opened when the client is closed"
        line = FakeLine(self)
        self.lines.append(line)
        self.most = max(self.most, len(self.lines))
        return line


class FakeLine:
    """One connection; the server says who it is, and perhaps hangs, or cuts it."""

    framed = False

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_told = False
        self._cut = asyncio.Event()

    def cut(self) -> None:
        self._cut.set()

    async def receive(self) -> str:
        await self._world.dawdle()
        if not self._is_told and not self._cut.is_set():
            self._is_told = True
            return INFO
        await self._cut.wait()
        raise LineEnded(Ending("cut"))

    async def send(self, texts: Sequence[str]) -> None:
        await self._world.dawdle()
        if self._cut.is_set():
            raise LineEnded(Ending("cut"))

    async def beat(self) -> None:
        await self.send([])

    async def close(self) -> None:
        await self._world.dawdle()
        if self in self._world.lines:
            self._world.lines.remove(self)


def make_client(world: World) -> Client:
    core = Core("uuid", "test", CODEC)
    target = make_target(
        "ws://example.org/vortex",
        headers={},
        cookies={},
        context=None,
        proxy=None,
        idle_seconds=25.0,
    )
    assert urlsplit(target.address({}, None).websocket_url).scheme == "ws"
    feeds = Feeds()
    transports = {"websocket": world.open, "http": world.open}
    tokens = Tokens(world.get_token)
    return Client(core, Driver(core, target, tokens, transports, feeds), feeds)


async def act(world: World, client: Client, renewing: list[asyncio.Task[None]]) -> None:
    """Let something happen."""
    what = world.random.choice(("cut", "cut all", "renew", "cancel", "call", "wait", "wait"))
    if what == "cut" and world.lines:
        world.random.choice(world.lines).cut()
    elif what == "cut all":
        for line in world.lines:
            line.cut()
    elif what == "renew":
        renewing.append(asyncio.create_task(client.renew(None)))
    elif what == "cancel" and renewing:
        world.random.choice(renewing).cancel()
    elif what == "call":
        call = asyncio.create_task(client.call("a"))
        await world.dawdle()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await world.dawdle()


@pytest.mark.parametrize("part", range(10))
async def test_B5_any_order_of_events_leaves_one_connection(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_SPAN", 0.0)
    monkeypatch.setattr(backoff, "MAX_SPAN", 0.0001)
    monkeypatch.setattr(driver, "RETURN_SECONDS", (3600.0,))  # a probe is a connection of its own
    for seed in range(100 * part, 100 * part + 100):
        world = World(Random(seed))
        client = make_client(world)
        renewing: list[asyncio.Task[None]] = []
        for _ in range(12):
            await act(world, client, renewing)
        world.is_kind = True
        await client.wait_online(60)
        await asyncio.gather(*renewing, return_exceptions=True)
        await client.wait_online(60)
        assert len(world.lines) == 1, seed
        closing = asyncio.create_task(client.close())
        last = asyncio.create_task(client.renew(None))
        await closing
        world.is_over = True
        with pytest.raises(Closed):
            await last
        assert world.most == 1, seed
        assert world.lines == [], seed
        left = [one for one in asyncio.all_tasks() if one.get_name().startswith("vortex")]
        assert left == [], seed


class StrictLine(FakeLine):
    """One whose server takes so many bytes at once, and asks its client nothing else."""

    def __init__(self, world: World, limit: int) -> None:
        super().__init__(world)
        self.limit = limit
        self.attempts: list[int] = []
        self.taken: list[str] = []

    async def send(self, texts: Sequence[str]) -> None:
        self.attempts.append(len(texts))
        if sum(map(len, texts)) > self.limit:
            raise TooLongForLine("The body is longer than the proxy takes")
        self.taken += texts


async def test_messages_that_are_too_long_together_are_written_in_smaller_parts() -> None:
    world = World(Random(1))
    world.is_kind = True
    line = StrictLine(world, 1000)

    async def open_strict(address: Address, first: Sequence[str]) -> StrictLine:
        return line

    world.open = open_strict  # type: ignore[method-assign, assignment]
    client = make_client(world)
    assert repr(client) == "<Client 'test' uuid offline: There was no attempt yet>"
    sent = ["a" * 250, "b" * 250, "c" * 250, "d" * 2000, "e" * 250, "f" * 250]
    calls = [asyncio.create_task(client.call({"key": one}, timeout=None)) for one in sent]
    await eventually(lambda: len(line.taken) == 5, "the others to be written")
    assert [json.loads(one)["filt"]["key"] for one in line.taken] == [
        one for one in sent if "d" not in one
    ]
    with pytest.raises(LimitExceeded, match="The body is longer than the proxy takes"):
        await calls[3]
    await client.flush(0)
    assert client.is_online
    assert repr(client) == "<Client 'test' uuid online>"
    await client.close()
    assert repr(client) == "<Client 'test' uuid ended: The client is closed>"
    await asyncio.gather(*calls, return_exceptions=True)


class SwallowingWorld(World):
    """Where nothing of a response is delivered before its end, until that is put right.

    Attributes:
        tried: What each attempt was: the transport, and whether it asks for short responses.
    """

    def __init__(self) -> None:
        super().__init__(Random(1))
        self.is_kind = True
        self.swallows = True
        self.blocks_short = False
        self.tried: list[tuple[str, bool]] = []

    async def open_websocket(self, address: Address, first: Sequence[str]) -> FakeLine:
        self.tried.append(("websocket", False))
        raise LineEnded(Ending("refused"))

    async def open_http(self, address: Address, first: Sequence[str]) -> FakeLine:
        self.tried.append(("http", address.is_short))
        if self.swallows and (self.blocks_short or not address.is_short):
            await asyncio.Event().wait()
        line = CountingLine(self)
        self.lines.append(line)
        return line


class CountingLine(FakeLine):
    """A response of a server that counts."""

    framed = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._has_begun = False

    async def receive(self) -> str:
        if not self._has_begun:
            self._has_begun = True
            return ""
        return COUNTED_INFO if await super().receive() == INFO else ""


def make_short_client(world: SwallowingWorld, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(driver, "INFO_SECONDS", 0.05)
    client = make_client(world)
    client._driver._backoff = backoff.Backoff(lambda: 0.0)
    client._driver._transports = {"websocket": world.open_websocket, "http": world.open_http}
    return client


async def test_short_responses_are_asked_for_where_no_info_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = SwallowingWorld()
    client = make_short_client(world, monkeypatch)
    await client.wait_online(60)
    assert world.tried == [("websocket", False), ("http", False), ("http", True)]
    world.lines[0].cut()
    await eventually(lambda: len(world.tried) > 3 and client.is_online, "another connection")
    assert world.tried[3:] == [("http", True)], "it stays with what works"
    await client.close()


async def test_short_responses_that_do_not_come_either_are_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(driver, "ATTEMPT_SECONDS", 0.2)
    world = SwallowingWorld()
    world.blocks_short = True
    client = make_short_client(world, monkeypatch)
    await eventually(lambda: len(world.tried) >= 6, "two rounds")
    assert world.tried[:6] == [("websocket", False), ("http", False), ("http", True)] * 2
    await client.close()


async def test_responses_stream_again_where_a_probe_comes_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(driver, "RETURN_SECONDS", (0.05,))
    world = SwallowingWorld()
    client = make_short_client(world, monkeypatch)
    await client.wait_online(60)
    await eventually(lambda: world.tried[3:].count(("http", False)) >= 2, "two probes")
    assert client.is_online
    assert world.tried.count(("http", True)) == 1, "they disturb nothing"
    world.swallows = False
    await eventually(lambda: not client._driver._is_short, "a probe that works")
    await client.wait_online(60)
    await eventually(lambda: client.is_online and world.tried[-1] == ("http", False), "the stream")
    await client.close()
