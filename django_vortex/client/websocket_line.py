"""A `Line` over a WebSocket, by the library ``websockets``.

Neither compression (payloads are compressed already) nor the library's pings (beats are judged by
the core, after what is there has been read).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from django_vortex.client.endings import Ending, read_ending
from django_vortex.client.line import (
    CLOSE_SECONDS,
    MAX_MESSAGE_BYTES,
    Address,
    LineEnded,
    begin,
    describe,
)
from django_vortex.wire.messages import HEARTBEAT
from django_vortex.wire.pieces import PiecedText


class _Connect(connect):
    """Opens a WebSocket where it was told to, and nowhere else: a token is for one server."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Take a redirect for the failed attempt that it is, as over HTTP."""
        return exc


class WebSocketLine:
    """One WebSocket."""

    framed = False

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes:
        """Return the next message."""
        try:
            return await self._socket.recv()
        except ConnectionClosed as error:
            raise LineEnded(_read_closed(error)) from error

    async def send(self, texts: Sequence[str]) -> None:
        """Write messages, a frame each and one more for each piece that follows.

        Beats may stand between them. A message is not written before its last piece is.
        """
        written = 0
        for is_pieced, some in groupby(texts, lambda text: isinstance(text, PiecedText)):
            if not is_pieced:
                written += await self._write_together(list(some), written)
                continue
            for text in some:
                assert isinstance(text, PiecedText)
                await self._write(str(text), written, written)
                size = len(text.payload.json or b"")
                for piece in text.pieces():
                    size -= len(piece)
                    await self._write(piece, written, written if size else written + 1)
                written += 1

    async def _write_together(self, texts: list[str], before: int) -> int:
        """Write messages of one frame each with one system call, and tell how many they are."""
        *others, last = texts
        if not others:
            await self._write(last, before, before + 1)
            return 1
        if self._socket.state is not State.OPEN:
            raise LineEnded(Ending("The WebSocket is closed"), before)
        protocol = self._socket.protocol
        for text in texts:
            protocol.send_text(text.encode())
        self._socket.transport.write(b"".join(protocol.data_to_send()))
        try:
            await self._socket.drain()
        except (OSError, ConnectionClosed) as error:
            raise LineEnded(Ending(describe(error)), before + len(texts)) from error
        return len(texts)

    async def _write(self, data: str | bytes, before: int, after: int) -> None:
        """Write one frame.

        Args:
            data: What is in it.
            before: How many messages have left if it is not written.
            after: How many may have left if it is.
        """
        if self._socket.state is not State.OPEN:
            raise LineEnded(Ending("The WebSocket is closed"), before)
        try:
            await self._socket.send(data)
        except ConnectionClosed as error:
            raise LineEnded(_read_closed(error), after) from error

    async def beat(self, text: str = HEARTBEAT) -> None:
        """Write a beat."""
        await self.send([text])

    async def close(self) -> None:
        """Close with 1000; cut the connection if the server does not agree in time."""
        draining = asyncio.ensure_future(self._drain())
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(1000)
        except (TimeoutError, OSError, WebSocketException):
            pass
        finally:
            self._socket.transport.abort()
            draining.cancel()
            await asyncio.gather(draining, return_exceptions=True)

    async def _drain(self) -> None:
        """Read on: the server's agreement is behind what it has sent before."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._socket.recv()


async def open_websocket(address: Address, first: Sequence[str]) -> WebSocketLine:
    """Open a WebSocket and write the first messages."""
    try:
        socket = await _Connect(
            address.websocket_url,
            additional_headers=address.get_headers(),
            user_agent_header=None,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            ping_interval=None,
            open_timeout=None,
            close_timeout=CLOSE_SECONDS,
            ssl=address.ssl,
            proxy=address.proxy,
        )
    except InvalidStatus as error:
        response = error.response
        body = bytes(response.body or b"").decode("utf-8", "replace")[:200]
        retry_after = response.headers.get("Retry-After", "")
        ending = read_ending(response.status_code, body or "no reason", retry_after=retry_after)
        # Daphne and proxies answer 403 for anything; over HTTP the reason can be read.
        ending = replace(ending, is_refusal=False, is_outdated=False, is_unauthenticated=False)
        raise LineEnded(ending) from error
    except (OSError, WebSocketException, EOFError, ValueError) as error:
        raise LineEnded(Ending(describe(error))) from error
    return await begin(WebSocketLine(socket), first)


def _read_closed(error: ConnectionClosed) -> Ending:
    frame = error.rcvd
    if frame is not None:
        return read_ending(frame.code, frame.reason or f"closed with {frame.code}")
    if error.sent is not None and error.sent.code == 1009:
        return Ending(f"A message exceeds {MAX_MESSAGE_BYTES} bytes", 1009)
    return Ending("The connection was cut")
