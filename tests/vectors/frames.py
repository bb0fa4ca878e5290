"""Frames of a WebSocket, as the vectors of our own dialect note them.

Takes messages in pieces, gives their frames in short: a text frame is the text, a binary frame an
object with

* ``bytes``, its length
* ``deflated``, what is in it: base64 of zlib
"""

from __future__ import annotations

import base64
import zlib
from typing import Any, TypeAlias

from django_vortex.wire.pieces import PiecedText

Frame: TypeAlias = str | dict[str, Any]


def write_frame(frame: str | bytes) -> Frame:
    """Return a frame as it is noted."""
    if isinstance(frame, str):
        return str(frame)
    deflated = base64.b64encode(zlib.compress(frame, 9)).decode("ascii")
    return {"bytes": len(frame), "deflated": deflated}


def read_frame(noted: Frame) -> str | bytes:
    """Return the frame that is noted."""
    if isinstance(noted, str):
        return noted
    frame = zlib.decompress(base64.b64decode(noted["deflated"]))
    assert len(frame) == noted["bytes"]
    return frame


def write_frames(text: str) -> list[Frame]:
    """Return the frames of a message in pieces."""
    assert isinstance(text, PiecedText)
    return [write_frame(one) for one in (str(text), *text.pieces())]
