"""Cutting what a transport delivers into messages (PROTOCOL 6.2 and 6.3).

Takes text or bytes however the transport cut them, gives pieces: one whole message each, without
its dot, or an empty one for a heart-beat, or a `TooLong` in the place of a message that is longer
than it may be.

* HTTP: base64 pieces, each ended by a dot; the last one of a body may lack it. Raw JSON contains
  dots itself, so nothing can follow it: it takes the rest of the body.
* WebSocket: base64 pieces ended by a dot, independent of the borders of the frames; a frame that
  begins with ``{`` is a whole message of raw JSON.
* The client end of a WebSocket: servers write no dot, every frame is a whole message.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from django_vortex.exceptions import LimitExceeded
from django_vortex.wire.pieces import PiecedText

HEAD_BYTES: Final = 65_536
"""How much is kept of a message in pieces that is too long."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """What is left of a message that is longer than it may be.

    Attributes:
        error: Says so.
        head: The first `HEAD_BYTES` of the message, all of it where it came as one frame.
    """

    error: LimitExceeded
    head: str | bytes


Piece: TypeAlias = str | bytes | TooLong
"""One message, ``b""`` for a heart-beat, or what is left of a message that is too long."""

_find_beats = re.compile(rb"[ \t\r\n.]*").match

_READING, _SKIPPING_TO_DOT, _SKIPPING_TO_END = range(3)


class Splitter:
    """The unfinished rest of one direction of a connection.

    Never holds more than ``message_bytes``: a message that gets longer is given up at once and
    thrown away up to its dot. Dots that follow one another within a call are one heart-beat.

    Args:
        message_bytes: How long a message may be on the wire.
        framed: HTTP, where dots and the end of the body separate messages, not frames.
        whole_frames: Whether every call brings whole messages, with or without a dot.
    """

    __slots__ = (
        *("_framed", "_head_bytes", "_message_bytes"),
        *("_pending", "_state", "_whole_frames"),
    )

    def __init__(self, message_bytes: int, *, framed: bool, whole_frames: bool = False) -> None:
        self._message_bytes = message_bytes
        self._head_bytes = min(HEAD_BYTES, message_bytes)  # what every cut of a stream has of it
        self._framed = framed
        self._whole_frames = whole_frames
        self._pending = bytearray()  # never begins with white space
        self._state = _READING

    def is_whole(self, data: str | bytes) -> bool:
        """Return whether `feed` would give ``data`` as it is; the usual frame of raw JSON."""
        return (
            not self._framed
            and data[:1] in ("{", b"{")
            and len(data) <= self._message_bytes
            and not self._pending
            and self._state == _READING
            and data.isascii()
        )

    def feed(self, data: str | bytes) -> Iterator[Piece]:
        """Yield the pieces that ``data`` completes, one by one so that the reader may stop."""
        if not self._framed:
            frame = data.lstrip(" \t\r\n") if isinstance(data, str) else data.lstrip(b" \t\r\n")
            if frame[:1] in ("{", b"{"):
                yield from self.finish()
                yield self._checked(frame, len(frame))
                return
        yield from self._feed_stream(as_bytes(data))
        if self._whole_frames:
            yield from self.finish()

    def finish(self) -> Iterator[Piece]:
        """Yield what is left as the last piece: the body ended, or raw JSON interrupts it."""
        rest = bytes(self._pending)
        self._pending.clear()
        self._state = _READING
        if rest:
            yield rest

    def _feed_stream(self, data: bytes) -> Iterator[Piece]:
        start = 0
        while True:
            if not self._pending and self._state == _READING:
                beats = _find_beats(data, start)
                assert beats is not None  # the expression matches nothing, too
                if b"." in beats[0]:
                    yield b""
                start = beats.end()
            if self._is_raw(data, start) or (dot := data.find(b".", start)) < 0:
                break
            yield from self._end(data[start:dot])
            start = dot + 1
        yield from self._keep(data, start)

    def _is_raw(self, data: bytes, start: int) -> bool:
        if not self._framed:
            return False
        if self._state == _READING:
            return (self._pending or data[start : start + 1]).startswith(b"{")
        return self._state == _SKIPPING_TO_END

    def _keep(self, data: bytes, start: int) -> Iterator[Piece]:
        if self._state != _READING:
            return
        if len(self._pending) + len(data) - start > self._message_bytes:
            is_raw = self._is_raw(data, start)
            head = bytes(self._pending[: self._head_bytes])
            head += data[start : start + self._head_bytes - len(head)]
            self._pending.clear()
            self._state = _SKIPPING_TO_END if is_raw else _SKIPPING_TO_DOT
            yield self._too_long(head)
        else:
            self._pending += data[start:]

    def _end(self, piece: bytes) -> Iterator[Piece]:
        if self._state == _READING:
            if self._pending:
                piece = bytes(self._pending) + piece
                self._pending.clear()
            yield self._checked(piece, self._head_bytes)
        self._state = _READING

    def _checked(self, message: str | bytes, head_bytes: int) -> Piece:
        size = len(message)
        if isinstance(message, str) and not message.isascii():
            size = len(as_bytes(message))
        return message if size <= self._message_bytes else self._too_long(message[:head_bytes])

    def _too_long(self, head: str | bytes) -> TooLong:
        # Without the size: where the stream was cut must not change what is said.
        error = LimitExceeded(f"Message exceeds max_message_bytes ({self._message_bytes})")
        return TooLong(error, head)


def as_bytes(data: str | bytes) -> bytes:
    """Return text as UTF-8; any text, since what a peer sends may hold lone surrogates."""
    if isinstance(data, bytes):
        return data
    return data.encode("ascii") if data.isascii() else data.encode("utf-8", "surrogatepass")


def reframe(text: str, *, framed: bool) -> str:
    """Return a message as it is written on the other transport of a peer.

    Args:
        text: Raw JSON, or base64 with or without its dot.
        framed: Whether it is for HTTP.
    """
    if isinstance(text, PiecedText):
        return reframe(text.flatten(), framed=True) if framed else text
    if not framed:
        return text.removesuffix(".")
    if text.endswith("."):
        return text
    return (b64encode(text.encode()).decode() if text.startswith("{") else text) + "."
