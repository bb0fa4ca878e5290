"""What makes a client leave a connection that works: a suspend without an answer, and a move."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio

from django_vortex.client import driver, waking
from django_vortex.client.addresses import make_target
from django_vortex.client.backoff import Backoff
from django_vortex.client.client import Client
from django_vortex.client.core import Core
from django_vortex.client.driver import Driver
from django_vortex.client.endings import Ending, read_ending
from django_vortex.client.feeds import Feeds
from django_vortex.client.line import Address, LineEnded
from django_vortex.client.news import Offline, Online
from django_vortex.client.tokens import Tokens
from django_vortex.wire.codec import Codec
from django_vortex.wire.counts import read_counts, write_counts
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import NAME_KEY, UUID_KEY, VERSION_KEY, PayloadEnvelope
from django_vortex.wire.messages import encode_message
from django_vortex.wire.opening import SessionInfo
from django_vortex.wire.reserved import CLOSING_KEY

CODEC = Codec()


def write(filt: dict[str, Any]) -> str:
    form = WireForm(Dialect.NATIVE, framed=False)
    return encode_message(PayloadEnvelope(filt), form, None, CODEC)


class Line:
    """A connection to a server that counts."""

    framed = False

    def __init__(self, server: str, *, sent: int, resumed: bool, answers: bool = True) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.beats: list[str] = []
        self.is_closed = False
        self.answers = answers
        self.sent = sent
        info = SessionInfo(resumed, 1, 0, sent + 1, 30.0).to_record()
        self.told.put_nowait(
            write({UUID_KEY: server, NAME_KEY: "n", VERSION_KEY: 2, "session": info})
        )

    def push(self, filt: dict[str, Any]) -> None:
        self.sent += filt["key"] != CLOSING_KEY  # which is not counted
        self.told.put_nowait(write(filt))

    async def receive(self) -> str:
        return await self.told.get()

    async def send(self, texts: Sequence[str]) -> None:
        pass

    async def beat(self, text: str = ".") -> None:
        self.beats.append(text)
        if self.answers and read_counts(text[:-1]) is not None:
            self.told.put_nowait(write_counts(0, self.sent))

    async def close(self) -> None:
        self.is_closed = True


class World:
    """One client, the connections that it has opened, and the clock of its machine."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.wall = 0.0
        self.others = 0
        self.refusals: list[Ending] = []
        self.answers = True
        target = make_target(
            "ws://example.org/vortex",
            headers={},
            cookies={},
            context=None,
            proxy=None,
            idle_seconds=25.0,
        )
        core, feeds = Core("uuid", "test", CODEC), Feeds()
        transports = {"websocket": self.open, "http": self.open_other}
        one = Driver(core, target, Tokens(None), transports, feeds, self.get_wall)
        self.driver = one
        self.client = Client(core, one, feeds)

    def get_wall(self) -> float:
        return asyncio.get_running_loop().time() + self.wall

    async def open_other(self, address: Address, first: Sequence[str]) -> Line:
        self.others += 1
        raise LineEnded(Ending("blocked"))

    async def open(self, address: Address, first: Sequence[str]) -> Line:
        if self.refusals:
            raise LineEnded(self.refusals.pop())
        sent = self.lines[-1].sent if self.lines else 0
        name, resumed = f"server {len(self.lines)}", bool(self.lines)
        line = Line(name, sent=sent, resumed=resumed, answers=self.answers)
        self.lines.append(line)
        return line


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(driver, "TICK_SECONDS", 0.005)
    monkeypatch.setattr(waking, "ANSWER_SECONDS", 0.1)
    world = World()
    await world.client.wait_online(60)
    yield world
    await world.client.close()


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_A2_connection_that_outlived_a_suspend_is_kept(world: World) -> None:
    world.wall += 3600
    await until(lambda: world.lines[0].beats)
    assert read_counts(world.lines[0].beats[0][:-1]) == (0, 0)
    await asyncio.sleep(0.3)
    assert len(world.lines) == 1
    assert not world.lines[0].is_closed


async def test_A2_connection_that_did_not_is_replaced(world: World) -> None:
    world.lines[0].answers = False
    async with world.client.events() as events:
        world.wall += 3600
        offline, online = await anext(events), await anext(events)
    assert isinstance(offline, Offline)
    assert "after a suspend" in offline.reason
    assert isinstance(online, Online)
    assert online.resumed
    assert world.lines[0].is_closed


async def test_server_that_stops_is_left_when_it_says_so(world: World) -> None:
    async with world.client.events() as events:
        world.lines[0].push({"key": "vortex.move", "span": 0.05, "server": "server 0"})
        offline, online = await anext(events), await anext(events)
    assert isinstance(offline, Offline)
    assert isinstance(online, Online)
    assert online.resumed
    assert len(world.lines) == 2


@pytest.mark.parametrize(
    "filt",
    [
        {"key": "vortex.move", "span": 0.0, "server": "another"},
        {"key": "vortex.move", "server": "server 0"},
        {"key": "vortex.move", "span": -1.0, "server": "server 0"},
    ],
    ids=["of another server", "without a span", "into the past"],
)
async def test_word_that_is_not_the_servers_own_means_nothing(
    world: World, filt: dict[str, Any]
) -> None:
    world.lines[0].push(filt)
    await asyncio.sleep(0.2)
    assert len(world.lines) == 1


async def test_refusal_that_a_websocket_has_brought_says_nothing_against_websockets(
    world: World,
) -> None:
    for ending, others in ((read_ending(4429, "0 s: a crowd"), 0), (read_ending(502, "no"), 1)):
        world.driver._backoff = Backoff(lambda: 0.001)
        world.refusals.append(ending)
        count = len(world.lines)
        world.lines[-1].push({"key": "vortex.closing", "code": 1012})
        await until(lambda count=count: len(world.lines) > count)
        assert world.others == others
