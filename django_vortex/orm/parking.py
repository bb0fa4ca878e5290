"""Values that a row has for a moment, so that another can get its own.

Takes what a column holds, gives values that probably no row has; the stores look whether one has.
"""

import datetime as dt
import decimal
import ipaddress
import random
import string
import uuid
from collections.abc import Callable, Mapping
from typing import Any

COUNT = 20
"""How many values are made to choose from."""

MAX_CHARACTERS = 24

_random = random.SystemRandom()


def make_candidates(kind: Any, *, length: int | None = None, limit: int | None = None) -> list[Any]:
    """Make values of a type.

    Args:
        kind: The Python type of the column's values.
        length: Of texts and bytes, how long they may be.
        limit: Of numbers, what they have to be less than.

    Returns:
        Different values; none for a type of which too few are known.
    """
    make = _MAKERS.get(kind)
    if make is None or length == 0:
        return []
    made = (
        make(min(length or MAX_CHARACTERS, MAX_CHARACTERS), limit or 1 << 31) for _ in range(COUNT)
    )
    return list(dict.fromkeys(made))


def make_addresses(version: int) -> list[str]:
    """Make Internet addresses of a version, 4 or 6, as texts."""
    kind, bits = _ADDRESSES[version]
    return list(dict.fromkeys(str(kind(_random.getrandbits(bits))) for _ in range(COUNT)))


_ADDRESSES: Mapping[int, tuple[Callable[[int], Any], int]] = {
    4: (ipaddress.IPv4Address, 32),
    6: (ipaddress.IPv6Address, 128),
}


def _make_text(length: int, limit: int) -> str:
    return "".join(_random.choices(string.ascii_lowercase, k=length))


def _make_number(length: int, limit: int) -> int:
    return _random.randrange(limit // 2, limit)


def _make_day(length: int, limit: int) -> dt.date:
    return dt.date(3000, 1, 1) + dt.timedelta(days=_random.randrange(2_000_000))


def _make_moment(length: int, limit: int) -> dt.datetime:
    seconds = _random.randrange(86_400)
    return dt.datetime.combine(_make_day(length, limit), dt.time()) + dt.timedelta(seconds=seconds)


_MAKERS: Mapping[Any, Callable[[int, int], Any]] = {
    str: _make_text,
    bytes: lambda length, limit: _random.randbytes(length),
    int: _make_number,
    float: lambda length, limit: float(_make_number(length, min(limit, 1 << 50))),
    decimal.Decimal: lambda length, limit: decimal.Decimal(_make_number(length, limit)),
    uuid.UUID: lambda length, limit: uuid.uuid4(),
    dt.date: _make_day,
    dt.datetime: _make_moment,
    dt.time: lambda length, limit: (
        dt.datetime.min + dt.timedelta(0, _random.random() * 86_400)
    ).time(),
    dt.timedelta: lambda length, limit: dt.timedelta(seconds=_make_number(length, 1 << 30)),
}
