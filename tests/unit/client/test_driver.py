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
from tests.support.waiting import eventually

CODEC = Codec()
INFO = encode_message(
    PayloadEnvelope({UUID_KEY: "server", NAME_KEY: "its name"}),
    WireForm(Dialect.NATIVE, framed=False),
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
