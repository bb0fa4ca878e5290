"""Where messages end in the bytes of one direction of an HTTP/1.1 connection: `Units`.

Takes bytes as they come, gives them in pieces, each of one unit: a head, a body, a chunk of a body,
and behind a WebSocket's handshake a frame.
"""

from collections.abc import Callable, Iterator
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
LINE_END: Final = b"\r\n"


class Units:
    """The units of one direction.

    Attributes:
        is_websocket: Whether frames follow the handshake.
        begins: Whether the last piece is the first of its unit.
    """

    def __init__(self) -> None:
        self.is_websocket = False
        self.begins = False
        self._has_ended = True
        self._measure: Callable[[bytes], int | None] = self._measure_head
        self._begun = bytearray()
        self._left: int | None = None
        self._body = 0

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the bytes in pieces, each with whether it ends its unit."""
        while data:
            if self._left is None:
                length = self._measure(bytes(self._begun) + data)
                if length is None:  # not yet known
                    self._begun += data
                    yield self._note(data, ends=False)
                    return
                self._left = length - len(self._begun)
                if self._measure == self._measure_head:
                    self._read_head((bytes(self._begun) + data)[:length].lower())
                elif self._measure != self._measure_frame and self._body == 0:
                    self._measure = self._measure_head
                self._begun.clear()
            piece, data = data[: self._left], data[self._left :]
            self._left -= len(piece)
            ends = not self._left
            if ends:
                self._left = None
            yield self._note(piece, ends=ends)

    def _note(self, piece: bytes, *, ends: bool) -> tuple[bytes, bool]:
        self.begins, self._has_ended = self._has_ended, ends
        return piece, ends

    @property
    def is_between(self) -> bool:
        """Whether a request or a response has ended, and the next has not begun."""
        is_begun = bool(self._begun) or self._left is not None
        return not is_begun and self._measure == self._measure_head

    def _read_head(self, head: bytes) -> None:
        """Find what follows."""
        lines = head.split(LINE_END)
        headers = dict(line.partition(b":")[::2] for line in lines[1:])
        if b"websocket" in headers.get(b"upgrade", b""):
            is_request = not lines[0].startswith(b"http/")
            self.is_websocket = is_request or b" 101 " in lines[0] + b" "
        if self.is_websocket:
            self._measure = self._measure_frame
        elif b"chunked" in headers.get(b"transfer-encoding", b""):
            self._measure, self._body = self._measure_chunk, -1
        else:
            self._body = int(headers.get(b"content-length", b"0"))
            self._measure = self._measure_body if self._body else self._measure_head

    def _measure_head(self, data: bytes) -> int | None:
        end = data.find(HEAD_END)
        return None if end < 0 else end + len(HEAD_END)

    def _measure_body(self, data: bytes) -> int | None:
        length, self._body = self._body, 0
        return length

    def _measure_chunk(self, data: bytes) -> int | None:
        end = data.find(LINE_END)
        if end < 0:
            return None
        size = int(data[:end].partition(b";")[0], 16)
        self._body = -1 if size else 0
        return end + len(LINE_END) + size + len(LINE_END)

    def _measure_frame(self, data: bytes) -> int | None:
        if len(data) < 2:
            return None
        mask, length = (4 if data[1] & 0x80 else 0), data[1] & 0x7F
        more = {126: 2, 127: 8}.get(length, 0)
        if len(data) < 2 + more:
            return None
        if more:
            length = int.from_bytes(data[2 : 2 + more])
        return 2 + more + mask + length
