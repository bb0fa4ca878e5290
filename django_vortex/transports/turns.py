"""Cut long input into pieces, so that reading one peer's does not hold up the others.

A megabyte may hold fifty thousand of the smallest messages, and reading those takes seconds.
"""

from collections.abc import Iterator
from typing import Final

TURN_BYTES: Final = 16_384
"""How much is read before the loop gets its turn."""


def cut(data: str | bytes) -> Iterator[str | bytes]:
    """Cut a stream of messages anywhere, which changes nothing of what is read."""
    if len(data) <= TURN_BYTES:
        yield data
        return
    for start in range(0, len(data), TURN_BYTES):
        yield data[start : start + TURN_BYTES]


def cut_frame(frame: str | bytes) -> Iterator[str | bytes]:
    """Cut a WebSocket frame, unless it is one whole message of raw JSON, which has no marks."""
    if len(frame) <= TURN_BYTES or frame.lstrip()[:1] in ("{", b"{"):
        yield frame
    else:
        yield from cut(frame)
