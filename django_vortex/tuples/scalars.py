"""Write single values as text that JSON has no form for.

Takes a value, gives the name of its field type and its text. Both the wire and the canonical text
of selectors write values so, which keeps what is sent and what identifies it alike.
"""

from __future__ import annotations

import binascii
import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

_write = msgspec.json.Encoder().encode


def datetime_text(value: dt.datetime) -> str:
    """Return ``2024-01-02 03:04:05.678901+1000``: no colon in the offset, no offset if naive."""
    if value.tzinfo is dt.UTC and value.__class__ is dt.datetime:
        # msgspec is five times as fast as `isoformat`, but rounds other zones. It writes what has
        # no microseconds in 22 characters, ``"2024-01-02T03:04:05Z"``.
        text = _write(value).decode("ascii")
        return f"{text[1:11]} {text[12:20]}{text[20:27] if len(text) > 22 else '.000000'}+0000"
    text = value.isoformat(" ", "microseconds")
    return text if len(text) == 26 else text[:26] + text[26:].replace(":", "")


def bytes_text(value: bytes | bytearray) -> str:
    """Return base64 without line breaks."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def timedelta_text(value: dt.timedelta) -> str:
    """Return ``days:seconds:microseconds``, which is exact and has nothing to round."""
    return f"{value.days}:{value.seconds}:{value.microseconds}"


SCALAR_TEXTS: dict[type, tuple[str, Callable[[Any], str]]] = {
    dt.datetime: ("datetime", datetime_text),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("timedelta", timedelta_text),
    decimal.Decimal: ("decimal", str),
    uuid.UUID: ("uuid", str),
    bytes: ("bytes", bytes_text),
    bytearray: ("bytearray", bytes_text),
}
"""By class: the field type (``_ft``) and what makes the text (``_fd``).

A class stands before its bases, so that the first match of a subclass is the nearest.
"""
