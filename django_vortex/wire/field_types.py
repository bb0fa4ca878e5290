"""Reading the ``_ft`` wrappers of single values (PROTOCOL 3.4, and our own of the native dialect).

Takes the ``_fd`` of a wrapper, gives the value. Wrappers of containers are the decoder's.
"""

from __future__ import annotations

import binascii
import datetime as dt
import decimal
import re
import uuid
from collections.abc import Callable
from typing import Any

from django_vortex.typedefs import Json
from django_vortex.wire.wkb import Wkb

_SHORT_YEAR = re.compile(r"\d{1,3}-")


def read_datetime(text: Json) -> dt.datetime:
    """Read a datetime: VortexPY's form, ISO 8601, or one with a year that is not padded.

    VortexPY writes years before 1000 so and cannot read them itself.
    """
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        if not _SHORT_YEAR.match(text):
            raise
    year, rest = text.split("-", 1)
    return dt.datetime.fromisoformat(f"{year:0>4}-{rest}")


def read_bytes(text: Json) -> bytes:
    """Read base64, ignoring what is not base64 as VortexPY does."""
    return binascii.a2b_base64(text)


def read_float(data: Json) -> float:
    """Read a number or its text; ``nan`` and ``inf`` have no other form in JSON."""
    return float(data)


def read_bool(data: Json) -> bool:
    """Read ``"1"``, which is how VortexPY means true, or a plain boolean."""
    return data in ("1", 1)


def read_int(data: Json) -> int:
    """Read a number or its text; fractions are cut off, as in VortexPY."""
    return int(data)


def read_timedelta(text: Json) -> dt.timedelta:
    """Read ``days:seconds:microseconds``."""
    days, seconds, microseconds = text.split(":")
    return dt.timedelta(int(days), int(seconds), int(microseconds))


READERS: dict[str, Callable[[Any], object]] = {
    "int": read_int,
    "float": read_float,
    "bool": read_bool,
    "str": str,
    "datetime": read_datetime,
    "bytes": read_bytes,
    "wkb": lambda text: Wkb(read_bytes(text)),
    "bigint": lambda text: int(text, 16),
    "decimal": decimal.Decimal,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": read_timedelta,
    "uuid": uuid.UUID,
    "bytearray": lambda text: bytearray(read_bytes(text)),
}
"""By field type: what makes the value of the data."""

READER_ERRORS = (ValueError, TypeError, AttributeError, ArithmeticError)
"""What readers raise for data that is not theirs."""

DATA_ERRORS = (*READER_ERRORS, LookupError)
"""The same of the readers of an application's own types."""
