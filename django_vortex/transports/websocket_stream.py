"""One WebSocket as the server's `Stream`: texts out, a close that really ends.

Takes texts and pieces from a connection, gives ASGI events to the server.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from django_vortex.server.stream import StreamClosed
from django_vortex.transports.asgi_types import Message, Send
from django_vortex.transports.credentials import make_acceptance
from django_vortex.transports.flow import Flow
from django_vortex.transports.identity import HeaderList
from django_vortex.transports.prepared_frames import FrameWriter, burst, find_frame_writer

CLOSE_SECONDS = 5.0
"""How long a peer has for reading what was sent before the close, and for its own close."""

LONG_CHARACTERS = 65_536
"""Texts from here on may be over a limit of the server's; see `Flow.send_long`."""

_RawSend = Callable[[Message], Coroutine[Any, Any, None]]

_closing: set[asyncio.Task[None]] = set()
"""Tasks that send a close frame: the loop itself would let them be collected."""


class WebSocketStream:
    """A WebSocket that is accepted with the first text, so that it can be refused until then.

    Args:
        send: As the consumer got it: handshake and close go the way that middleware expects.
        flow: Data goes through the server's own ``send``, which is here.
        headers: Of the handshake, with the subprotocols that are offered.
    """

    __slots__ = (
        *("_acceptance", "_flow", "_frame_writer", "_is_closed", "_is_plain"),
        *("_raw_send", "_send", "_waiting"),
    )

    framed = False

    def __init__(self, send: Send, flow: Flow, headers: HeaderList = ()) -> None:
        self._send = send
        self._flow = flow
        # Gives coroutines where it is used as such: `Flow.has_coroutines` says so.
        self._raw_send: _RawSend = flow.send  # type: ignore[assignment]
        self._acceptance: Message | None = make_acceptance(headers)
        self._is_closed = False
        self._is_plain = False
        self._frame_writer: FrameWriter | None = None
        self._waiting: str | bytes | None = None

    async def accept(self) -> None:
        """Answer the handshake, if that was not done."""
        acceptance, self._acceptance = self._acceptance, None
        if acceptance is not None:
            try:
                await self._send(acceptance)
            except OSError as error:
                raise StreamClosed("The peer left before its WebSocket was accepted") from error

    def write_now(self, text: str | bytes) -> bool:
        """Write one text as a prepared frame, where that is possible; see `Stream.write_now`."""
        writer = self._frame_writer
        if writer is None or len(text) >= LONG_CHARACTERS:
            return False
        try:
            return isinstance(text, str) and writer.write(text)
        except (OSError, RuntimeError, ValueError):
            return False  # what is wrong with the text or the socket, `send` finds as well

    def send(self, text: str | bytes) -> Coroutine[Any, Any, None]:
        """Write one text or binary frame; see `Stream.send`."""
        if burst.frames:
            burst.write()  # some of it may be for this socket
        if self._is_plain and self._flow.is_writable and len(text) < LONG_CHARACTERS:
            # A coroutine of ours around the server's own would be a fifth of what a write costs.
            kind = "bytes" if text.__class__ is bytes else "text"
            return self._raw_send({"type": "websocket.send", kind: text})
        return self._send_carefully(text)

    def close(self, code: int, reason: str, last_text: str = "") -> None:
        """Begin to close; a peer that does not follow is cut off. See `Stream.close`."""
        if self._is_closed:
            return
        self._is_closed = True
        self._is_plain = False
        self._frame_writer = None
        self._flow.wake()
        loop = asyncio.get_running_loop()
        # Not cancelled when the consumer ends: uvicorn reports the end as soon as it has written
        # the close frame, and waits for ever for a peer that never reads it.
        loop.call_later(CLOSE_SECONDS, self._flow.abort)
        task = loop.create_task(self._send_close(code, reason))
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    def take_unsent(self) -> list[str | bytes]:
        """Take back the text that waits for the socket to take more, if there is one."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return []
        return [waiting]

    def end(self) -> None:
        """Note that the socket is gone: there is nothing left to close."""
        self._is_closed = True
        self._is_plain = False
        self._frame_writer = None

    async def _wait_with(self, text: str | bytes) -> None:
        self._waiting = text
        try:
            await self._flow.wait_writable()
            if self._waiting is None:
                raise StreamClosed("The text was taken back")
        finally:
            self._waiting = None

    async def _send_carefully(self, text: str | bytes) -> None:
        if self._acceptance is not None:
            await self.accept()
        if not self._flow.is_writable:
            await self._wait_with(text)
        if self._is_closed:
            raise StreamClosed("The WebSocket is closed")
        send = self._raw_send if len(text) < LONG_CHARACTERS else self._flow.send_long
        try:
            await send(_make_message(text))
        except (OSError, RuntimeError) as error:
            # How ASGI servers say that the peer is gone, or is being closed by them.
            raise StreamClosed("The peer is gone") from error
        self._is_plain = self._flow.has_coroutines and not self._is_closed
        if self._is_plain and self._frame_writer is None:
            self._frame_writer = find_frame_writer(self._flow)

    def _send_close(self, code: int, reason: str) -> Coroutine[Any, Any, None]:
        return _end_quietly(self._flow.send_close(self._send, code, reason))


def _make_message(text: str | bytes) -> Message:
    return {"type": "websocket.send", "bytes" if text.__class__ is bytes else "text": text}


async def _end_quietly(closing: Coroutine[Any, Any, None]) -> None:
    """Close where nobody may be there any more."""
    try:
        await closing
    except (OSError, RuntimeError):
        # Gone, or closed by the peer in this very moment, which uvicorn calls unexpected.
        return
