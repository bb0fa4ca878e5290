"""Prepared frames over real servers, read by clients of the ``websockets`` library."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

SIZES = [1, 2, 124, 125, 126, 127, 4_096, 65_534, 65_535, 65_536, 65_537, 70_000]
LETTERS = ["x", "ß", "\N{OK HAND SIGN}"]
LONG = 65_536
"""From so many characters on ``send`` has a text, see `WebSocketStream`."""

UVICORN_KINDS = ["websockets", "websockets-sansio", "wsproto"]
PREPARED_KINDS = {"websockets", "websockets-sansio", "daphne"}


@pytest.fixture(scope="module", params=[*UVICORN_KINDS, "daphne"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "wsproto":
        pytest.importorskip("wsproto", reason="wsproto is not installed")
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str, start_server: StartServer) -> ServerProcess:
    """A server with one implementation of WebSockets."""
    application = "tests.e2e.app.frames:application"
    if kind == "daphne":
        return start_server("daphne", application=application)
    return start_server("uvicorn", application=application, arguments=["--ws", kind])


@pytest.fixture(params=[None, "deflate"], ids=["plain", "deflate"])
def compression(request: pytest.FixtureRequest) -> Any:
    return request.param


@asynccontextmanager
async def open_clients(
    server: ServerProcess, count: int, compression: Any = None
) -> AsyncIterator[list[ClientConnection]]:
    """Open sockets that are read all the time, whether or not the test does."""
    url = f"{server.ws_url}/frames"
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            opening = connect(url, compression=compression, max_size=None, max_queue=None)
            clients.append(await stack.enter_async_context(opening))
            assert await receive(clients[-1]) == "open"
        yield clients


async def tell(client: ClientConnection, to: str, way: str, texts: list[tuple[str, int]]) -> None:
    await client.send(json.dumps([to, way, texts]))


async def receive(client: ClientConnection) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return str(await client.recv())


async def receive_count(client: ClientConnection) -> int:
    """Return how many prepared frames were written for the last message."""
    answer = await receive(client)
    assert answer.startswith("="), answer[:80]
    return int(answer[1:])


async def expect(client: ClientConnection, texts: list[tuple[str, int]]) -> None:
    for letter, count in texts:
        text = await receive(client)
        assert text == letter * count, (text[:10], len(text), letter, count)


async def test_all_texts_arrive_in_order(
    server: ServerProcess, kind: str, compression: Any
) -> None:
    is_prepared = kind in PREPARED_KINDS
    texts = [(letter, size) for letter in LETTERS for size in SIZES]
    short = sum(count < LONG for _, count in texts)
    async with open_clients(server, 3, compression) as clients:
        for client in clients:
            is_compressed = bool(client.protocol.extensions)
            assert is_compressed == (compression is not None and kind != "daphne")
        sender, *others = clients
        for _ in range(2):
            await tell(sender, "all", "now", texts)
            await tell(sender, "me", "send", texts)
            await tell(sender, "all", "send", texts)
            await tell(sender, "me", "now", texts)
        for _ in range(2):
            await expect(sender, texts)
            # A socket that is full for a moment gets its next texts by `send`.
            assert (short < await receive_count(sender) <= 3 * short) == is_prepared
            await expect(sender, texts)
            assert await receive_count(sender) == 0
            await expect(sender, texts)
            assert await receive_count(sender) == 0
            await expect(sender, texts)
            assert (0 < await receive_count(sender) <= short) == is_prepared
            for other in others:
                await expect(other, texts + texts)


async def test_empty_text_is_a_prepared_frame(server: ServerProcess, kind: str) -> None:
    if kind not in PREPARED_KINDS:
        return  # not every `send` sends one
    async with open_clients(server, 1) as (client,):
        await tell(client, "me", "now", [("x", 0), ("x", 1)])
        assert [await receive(client) for _ in range(3)] == ["", "x", "=2"]


async def test_peer_that_leaves_in_a_broadcast_disturbs_nobody(server: ServerProcess) -> None:
    texts = [("x", 1_000 + number) for number in range(2_000)]
    async with open_clients(server, 4) as (sender, reader, polite, rude):
        await tell(sender, "all", "now", texts)
        await expect(polite, texts[:1])
        await expect(rude, texts[:1])
        raw = rude.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.transport.abort()
        await polite.close()
        await expect(sender, texts)
        await receive_count(sender)
        await expect(reader, texts)
        await tell(reader, "all", "now", texts[:10])
        await expect(reader, texts[:10])
        await expect(sender, texts[:10])
    assert "Traceback" not in server.log
