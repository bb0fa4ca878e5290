"""How long leaving takes, exactly: both ends are on one loop, whose clock does not wait.

The servers are as bad as a server can be; nothing here depends on the speed of the machine.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from django_vortex import Payload
from django_vortex.client import Client, connect
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.messages import encode_message, server_info
from tests.support.far_end import client_tasks
from tests.support.ports import HOST
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.virtual_time import run_in_virtual_time

MAX_SECONDS = 2.5
NOW = datetime(2026, 1, 2, tzinfo=UTC)
CODEC = Codec()
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/text\r\nTransfer-Encoding: chunked\r\n\r\n"
STALLS = ("both", "up", "down", "flood")


def get_info(*, framed: bool) -> str:
    return server_info("server", "its name", WireForm(Dialect.NATIVE, framed), NOW, CODEC)


def get_push(*, framed: bool) -> str:
    envelope = PayloadEnvelope({"key": "flood"}, Payload(tuples=["x" * 3000]))
    return encode_message(envelope, WireForm(Dialect.NATIVE, framed), NOW, CODEC)


class Server:
    """A server that says who it is, and floods its peer when it is told to."""

    def __init__(self) -> None:
        self.floods = asyncio.Event()
        self.served = 0

    async def serve_websocket(self, socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed), self._counted():
            await socket.send(get_info(framed=False))
            await self.floods.wait()
            while True:
                await socket.send(get_push(framed=False))

    async def serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lost = (OSError, asyncio.IncompleteReadError)
        with contextlib.closing(writer), contextlib.suppress(*lost), self._counted():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(CHUNKED)
            text = get_info(framed=True)
            while True:
                writer.write(b"%x\r\n%b\r\n" % (len(text), text.encode()))
                await writer.drain()
                await self.floods.wait()
                text = get_push(framed=True)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.served += 1
        try:
            yield
        finally:
            self.served -= 1


@asynccontextmanager
async def open_server(transport: str) -> AsyncIterator[tuple[Server, TcpProxy]]:
    server = Server()
    listening = (
        await serve(server.serve_websocket, HOST, 0, ping_interval=None, close_timeout=3600)
        if transport == "websocket"
        else await asyncio.start_server(server.serve_http, HOST, 0)
    )
    port = next(iter(listening.sockets)).getsockname()[1]
    async with tcp_proxy(port) as proxy:
        yield server, proxy
    listening.close()
    server.floods.set()  # so that all that it serves notices that its peer is gone
    while server.served:
        await asyncio.sleep(0.1)


async def be_bad(stall: str, server: Server, proxy: TcpProxy, vortex: Client) -> None:
    """Let the connection be as a stall says, with something that waits to be written."""
    gates = {"both": proxy.passes, "up": proxy.passes_up, "down": proxy.passes_down}
    if stall == "flood":
        async with vortex.on("flood", max_waiting=2) as flood:
            server.floods.set()
            await anext(flood)
    else:
        gates[stall].clear()
    for number in range(150):
        await vortex.send(Payload({"key": "nobody"}, tuples=[number, "x" * 10_000]))


async def measure(transport: str, stall: str, how: str) -> float:
    """Return how long leaving takes."""
    loop = asyncio.get_running_loop()
    async with open_server(transport) as (server, proxy):
        leaving_at = 0.0
        with contextlib.suppress(ZeroDivisionError):
            async with connect(proxy.url, transports=[transport], proxy=None) as vortex:
                await be_bad(stall, server, proxy, vortex)
                waiting = [asyncio.create_task(vortex.call("nobody")) for _ in range(3)]
                await asyncio.sleep(0)
                leaving_at = loop.time()
                if how == "failing":
                    raise ZeroDivisionError
                if how == "closing":
                    await vortex.close()
        left_at = loop.time()
        assert leaving_at
        assert client_tasks() == []
        await asyncio.gather(*waiting, return_exceptions=True)
    return left_at - leaving_at


@pytest.mark.parametrize("how", ["leaving", "failing", "closing"])
@pytest.mark.parametrize("stall", STALLS)
def test_G2_leaving_takes_no_longer_than_it_may(transport: str, stall: str, how: str) -> None:
    seconds = run_in_virtual_time(measure(transport, stall, how))
    assert seconds <= MAX_SECONDS
    if how == "leaving" and stall == "both":
        assert seconds >= 0.9, "what waits has its chance to be written"
