"""Long payloads of our own ends on a WebSocket: an envelope announces them, binary frames follow.

Takes the envelope and the JSON of its payload, gives a `PiecedText`; takes announcements and binary
frames, gives the JSON again. One frame would hold up beats for as long as it is under way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

from django_vortex.exceptions import LimitExceeded, MalformedMessage, quoted

PIECE_BYTES: Final = 262_144
"""How long a binary frame may be; the last one of a payload may be shorter."""

MAX_PIECED_BYTES: Final = 4_194_304
"""How long the JSON of a payload may be that travels so; what is longer is compressed."""

MIN_PIECE_BYTES: Final = 4096
"""How long frames have to be on average, so that there are not very many of them."""

FIELD: Final = "pieces"
"""The field of an envelope that announces a payload: its bytes, and the number of its frames."""


class CarriedPayload(Protocol):
    """An encoded payload, as a text in pieces needs it."""

    @property
    def json(self) -> bytes | None:
        """The whole object."""

    @property
    def text(self) -> bytes:
        """The same, compressed and in base64."""


class PiecedText(str):
    """The text of a message whose payload follows in binary frames.

    Attributes:
        payload: What follows.
    """

    __slots__ = ("_end", "_start", "payload")

    payload: CarriedPayload
    _start: int
    _end: int

    def __new__(cls, head: str, payload: CarriedPayload, tail: str) -> PiecedText:
        """Make one.

        Args:
            head: The text up to the field that carries the payload.
            payload: The payload.
            tail: The text behind that field.
        """
        size = len(payload.json or b"")
        field = f'"{FIELD}":[{size},{-(-size // PIECE_BYTES)}]'
        text = super().__new__(cls, head + field + tail)
        text.payload = payload
        text._start = len(head)
        text._end = len(head) + len(field)
        return text

    @property
    def size(self) -> int:
        """The bytes of all that travels."""
        return len(self) + len(self.payload.json or b"")

    def pieces(self) -> Iterator[bytes]:
        """Yield the binary frames one by one."""
        json = self.payload.json or b""
        if len(json) <= PIECE_BYTES:
            yield json  # no copy
            return
        for start in range(0, len(json), PIECE_BYTES):
            yield json[start : start + PIECE_BYTES]

    def flatten(self) -> str:
        """Return the same message in one text, as it travels over HTTP."""
        return f'{self[: self._start]}"data":"{self.payload.text.decode()}"{self[self._end :]}'


class Assembly:
    """The pieces of one payload, as they come; holds no more than has come.

    Args:
        announced: What the envelope says.
        left: How long the payload may be.
        limit: How long the message may be.

    Raises:
        MalformedMessage: The announcement is none.
        LimitExceeded: It is too long.
    """

    __slots__ = ("_has_grown", "_left", "_looked_at", "_missing", "_pieces")

    def __init__(self, announced: Any, left: int, limit: int) -> None:
        size, count = _read_announcement(announced)
        if size > left:
            raise LimitExceeded(f"Message exceeds max_message_bytes ({limit})")
        self._left = size
        self._missing = count
        self._pieces: list[bytes] = []
        self._has_grown = True
        self._looked_at = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether all has come."""
        return not self._missing

    def add(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            MalformedMessage: It is not what was announced.
        """
        self._missing -= 1
        self._left -= len(piece)
        if not 0 < len(piece) <= PIECE_BYTES:
            raise MalformedMessage(
                f"Expected a binary frame of 1 to {PIECE_BYTES} bytes, got one of {len(piece)}"
            )
        if self._left < 0 or (self._left > 0) is not (self._missing > 0):
            raise MalformedMessage("The binary frames have not the bytes that were announced")
        self._pieces.append(piece)
        self._has_grown = True

    def is_stuck(self, now: float, seconds: float) -> bool:
        """Return whether nothing has come for so long; to be asked now and then.

        Args:
            now: The monotonic time.
            seconds: How long nothing may come.
        """
        if self._has_grown:
            self._has_grown = False
            self._looked_at = now
        return now - self._looked_at > seconds

    def join(self) -> bytes:
        """Return the whole payload."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _read_announcement(announced: Any) -> tuple[int, int]:
    match announced:
        case [int(size), int(count)] if not isinstance(size, bool) and not isinstance(count, bool):
            if 0 < -(-size // PIECE_BYTES) <= count <= 1 + size // MIN_PIECE_BYTES:
                return size, count
    raise MalformedMessage(
        f"Expected the bytes of the payload and the number of its frames, got {quoted(announced)}",
        f"$.{FIELD}",
    )
