"""The heart-beat of a session, which says how many messages have been received and sent.

Takes two numbers, gives the text for either transport, and back: ``12,7.``
"""

import re
from typing import Final

from django_vortex.wire.framing import TooLong

MAX_CHARACTERS: Final = 31
"""Longest text without its dot."""

_read_counts = re.compile(rb"(\d{1,15}),(\d{1,15})").fullmatch
_read_counts_text = re.compile(r"(\d{1,15}),(\d{1,15})", re.ASCII).fullmatch


def write_counts(received: int, sent: int) -> str:
    """Return the text of a heart-beat with counts, ready for either transport."""
    return f"{received},{sent}."


def is_counts(text: str) -> bool:
    """Return whether a text that travels over HTTP, dot included, is a count and no message."""
    return read_counts(text.removesuffix(".")) is not None


def read_counts(piece: str | bytes | TooLong) -> tuple[int, int] | None:
    """Return the counts that a piece is, without its dot; None if it is anything else.

    No other piece has a comma without being JSON: base64 has none.
    """
    if isinstance(piece, TooLong) or len(piece) > MAX_CHARACTERS:
        return None
    match = _read_counts_text(piece) if isinstance(piece, str) else _read_counts(piece)
    return None if match is None else (int(match[1]), int(match[2]))
