"""Long messages in binary frames, between the client and real servers, and from hostile peers."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from django_vortex.client import FateUnknown, connect
from django_vortex.exceptions import LimitExceeded
from tests.e2e.peers import websocket_head
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS

LONG = {"open_timeout": PATIENCE_SECONDS}
PIECE = 262_144


@pytest.fixture(scope="module", params=["uvicorn", "uvicorn-websockets", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    kind, _, implementation = request.param.partition("-")
    arguments = ["--ws", implementation] if implementation else []
    vortex = {"HEARTBEAT_SECONDS": 0.5, "PEER_TIMEOUT_SECONDS": 4.0}
    vortex |= {"OUTBOX_MAX_BYTES": 67_108_864}
    return start_server(kind, arguments=arguments, vortex=vortex)


@pytest_asyncio.fixture
async def proxy(server: ServerProcess) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(server.port) as proxy, asyncio.timeout(3 * PATIENCE_SECONDS):
        yield proxy


@pytest.mark.parametrize("size", [4000, 4100, PIECE - 60, PIECE, 600_000, 990_000, 1_040_000])
async def test_long_messages_go_both_ways(server: ServerProcess, transport: str, size: int) -> None:
    url = f"{server.ws_url}/vortex"
    async with connect(url, transports=[transport], **LONG) as vortex:
        replies = await asyncio.gather(
            *(vortex.call("e2e.echo", tuples=[n, "x" * size], timeout=60) for n in range(5))
        )
        assert [one.tuples for one in replies] == [[n, "x" * size] for n in range(5)]


async def test_long_pushes_come_in_order(server: ServerProcess, transport: str) -> None:
    url = f"{server.ws_url}/vortex"
    async with (
        connect(url, transports=[transport], **LONG) as vortex,
        vortex.on("e2e.pushed") as pushes,
    ):
        for size in (10, 300_000, 3_000_000, 6_000_000, 10):
            await asyncio.to_thread(server.push, size=size)
            push = await anext(pushes)
            assert len(push.tuples[1]) == size


async def test_message_that_is_cut_in_the_middle_disturbs_no_other(proxy: TcpProxy) -> None:
    async with connect(proxy.url, transports=["websocket"], **LONG) as vortex:
        for _ in range(3):
            call = asyncio.create_task(vortex.call("e2e.echo", tuples=["x" * 900_000], timeout=60))
            await asyncio.sleep(0.01)
            proxy.cut()
            await asyncio.wait([call])
            assert isinstance(call.exception(), FateUnknown | None)
            reply = await vortex.call("e2e.echo", tuples=["y" * 900_000], timeout=60)
            assert reply.tuples == ["y" * 900_000]


class Raw:
    """A peer of the second version that says what a test wants."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, *frames: str | bytes) -> None:
        for frame in frames:
            await self.socket.send(frame)

    async def announce(self, announced: Any, number: int) -> None:
        filt = {"key": "e2e.echo", "PayloadResponse.messageId": str(number)}
        await self.send(json.dumps({"_ct": "rpe", "filt": filt, "pieces": announced}))

    async def hear(self) -> tuple[int, Any]:
        """Return the number of the next answer, and the code of its error or its tuples."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (text := await self.socket.recv()) == "." or "__vortexUuid__" in text:
                continue
        envelope = json.loads(text)
        result, payload = envelope["result"], envelope.get("payload") or {}
        number = envelope["filt"].get("PayloadResponse.messageId", -1)
        return int(number), result["error"] if result else payload.get("tuples")

    async def ask(self, number: int) -> None:
        """See that the connection works as ever."""
        json_text = json.dumps({"tuples": ["x" * 3000]}).encode()
        await self.announce([len(json_text), 1], number)
        await self.send(".", json_text)
        assert await self.hear() == (number, ["x" * 3000])


@pytest_asyncio.fixture
async def raw(server: ServerProcess) -> AsyncIterator[Raw]:
    query = {"vortexUuid": "raw", "vortexName": "raw", "vortexDialect": "native"}
    url = f"{server.ws_url}/vortex?{urlencode({**query, 'vortexVersion': 2})}"
    async with open_socket(url, max_size=None, ping_interval=None, proxy=None) as socket:
        yield Raw(socket)


async def test_peer_that_does_it_wrong_is_told_and_stays(raw: Raw) -> None:
    await raw.ask(0)
    await raw.announce([10**12, 10**7], 1)
    assert await raw.hear() == (1, "limit")
    await raw.ask(2)
    await raw.announce(["many", 1], 3)
    await raw.send(b"x" * 5000)
    assert await raw.hear() == (3, "malformed")
    await raw.ask(4)
    await raw.announce([5000, 1], 5)
    await raw.send(b"x" * 5001, b"more", b"more")
    assert await raw.hear() == (5, "malformed")
    await raw.ask(6)
    await raw.announce([5000, 1], 7)
    await raw.announce(None, 8)
    assert dict([await raw.hear(), await raw.hear()]) == {7: "malformed", 8: []}
    await raw.send(b"nobody has announced this")
    assert await raw.hear() == (-1, "malformed")
    await raw.announce([PIECE + 1, 2], 9)
    await raw.send(b"{" + b"x" * PIECE)
    assert await raw.hear() == (9, "malformed")
    await raw.ask(10)


async def test_peer_that_announces_and_sends_nothing_is_told_in_time(raw: Raw) -> None:
    await raw.announce([900_000, 4], 1)

    async def beat() -> None:
        while True:
            await raw.send(".")
            await asyncio.sleep(0.3)

    beating = asyncio.create_task(beat())
    assert await raw.hear() == (1, "malformed")
    beating.cancel()
    await raw.ask(2)


class SlowReader:
    """A peer that reads frame after frame from a socket with little room."""

    def __init__(self, server: ServerProcess) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect((HOST, server.port))
        query = {"vortexUuid": "slow", "vortexName": "slow", "vortexDialect": "native"}
        self.socket.sendall(websocket_head(urlencode({**query, "vortexVersion": 2}), server.port))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read_exactly(1)

    def read_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            received = self.socket.recv(min(65_536, count - len(data)))
            assert received, "The server has closed the connection"
            data += received
        return data

    def read_frame(self) -> tuple[int, bytes]:
        """Return the opcode and the data of the next frame; servers mask nothing."""
        opcode, length = self.read_exactly(2)
        if length > 125:
            length = int.from_bytes(self.read_exactly(2 if length == 126 else 8))
        return opcode & 15, self.read_exactly(length)

    def close(self) -> None:
        self.socket.close()


def test_beats_come_between_the_pieces_for_a_slow_reader(server: ServerProcess) -> None:
    slow = SlowReader(server)
    slow.read_frame()
    # More than the system keeps for a socket.
    server.push(count=8, size=3_900_000, key="slow")
    kinds = ""
    while "pbp" not in kinds.replace("bb", "b") and kinds.count("p") < 120:
        opcode, data = slow.read_frame()
        kinds += "p" if opcode == 2 else "b" if data == b"." else "t"
        slow.socket.sendall(b"\x81\x81\0\0\0\0.")
        time.sleep(0.1)
    assert "pbp" in kinds.replace("bb", "b"), kinds
    slow.close()


async def test_message_over_a_limit_of_the_server_is_told(start_server: StartServer) -> None:
    server = start_server("uvicorn", vortex={"MAX_MESSAGE_BYTES": 100_000})
    async with connect(f"{server.ws_url}/vortex", transports=["websocket"], **LONG) as vortex:
        with pytest.raises(LimitExceeded, match=r"max_message_bytes \(100000\)"):
            await vortex.call("e2e.echo", tuples=["x" * 500_000], timeout=60)
        reply = await vortex.call("e2e.echo", tuples=["x" * 50_000], timeout=60)
        assert reply.tuples == ["x" * 50_000]
    server.stop()
