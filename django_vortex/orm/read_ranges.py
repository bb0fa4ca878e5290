"""Which stored values are read as a value, or as a smaller or greater one.

Takes what peers compare with, gives ranges of stored values. Reading may round: SQLite has decimals
as floats, and moments as texts of several spellings. Peers know what was read, so that is what they
compare with. Rounding keeps the order, hence the values that are read as one lie together, and an
index finds them.
"""

import decimal
import operator
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

WITH_YEARS = "({0} + make_interval(days => 5 * EXTRACT(YEAR FROM {0})::int))"
"""The SQL of an interval of PostgreSQL in which a year has 365 days, as all drivers read it."""

_CHUNK = 50
"""How many alternatives stand side by side."""

LOOKUPS = frozenset({"exact", "in", "lt", "lte", "gt", "gte"})
"""Look-ups that are made of ranges; ``range`` is two of them."""


@dataclass(frozen=True, slots=True)
class Range:
    """Stored values between two of them; None is no end.

    Attributes:
        low: The lower end.
        high: The upper end.
        is_above: Whether the lower end itself is out.
        is_below: Whether the upper end itself is out.
    """

    low: Any = None
    high: Any = None
    is_above: bool = False
    is_below: bool = False

    @property
    def limits(self) -> list[tuple[str, Any]]:
        """Operators of SQL with what they compare with."""
        if self.low == self.high and not (self.is_above or self.is_below):
            return [("=", self.low)]
        found = []
        if self.low is not None:
            found.append((">" if self.is_above else ">=", self.low))
        if self.high is not None:
            found.append(("<" if self.is_below else "<=", self.high))
        return found


def to_range(lookup: str, low: Any, high: Any) -> Range:
    """Return the range of a look-up.

    Args:
        lookup: One of `LOOKUPS`, without ``in``.
        low: The least stored value that is read as the value of the look-up, or as more.
        high: The greatest one that is read as that value, or as less.
    """
    return _RANGES[lookup](low, high)


def get_number_range(
    lookup: str, value: Any, read: Callable[[Any], Any], near: tuple[float, float]
) -> Range:
    """Return the numbers of SQLite for which a look-up is true of what is read.

    Args:
        lookup: One of `LOOKUPS`, without ``in``.
        value: What is compared with.
        read: Makes the value of a number that is stored: a greater number is never read as less.
        near: About where the numbers begin and end that are read as the value.
    """

    def is_read_as(compare: Callable[[Any, Any], Any], index: int) -> bool:
        number = _to_number(index)
        try:
            return bool(compare(read(number), value))
        except ArithmeticError:  # so great that it cannot be read
            return number > 0

    low = _get_first(partial(is_read_as, operator.ge), _to_index(near[0]))
    high = _get_first(partial(is_read_as, operator.gt), _to_index(near[1])) - 1
    return to_range(lookup, _to_number(low), _to_number(high))


def find_decimal_ranges(
    lookup: str, value: decimal.Decimal, scale: int, read: Callable[[Any], Any]
) -> list[Range] | None:
    """Return the floats that are read as decimals for which a look-up is true; None of infinity.

    Args:
        lookup: One of `LOOKUPS`, without ``in``.
        value: What is compared with.
        scale: How many digits behind the point reading leaves.
        read: Makes the decimal of what a driver gives.
    """
    if not value.is_finite():
        return None
    half = decimal.Decimal(5).scaleb(-scale - 1)
    return [get_number_range(lookup, value, read, (float(value - half), float(value + half)))]


def find_float_ranges(lookup: str, value: Any) -> list[Range] | None:
    """Return the whole numbers that are read as a float, None where all of them are floats."""
    if not isinstance(value, float) or not EXACT <= abs(value) < 2.0**64:
        return None
    return [get_number_range(lookup, value, float, (value, value))]


def find_literal_ranges(lookup: str, value: Any) -> list[Range] | None:
    """Return the range of a number that PostgreSQL has as `spell_number` writes it."""
    literal = spell_number(value)
    return None if literal is None else [to_range(lookup, literal, literal)]


def join_alternatives(parts: Sequence[str]) -> str:
    """Return SQL of which one part has to be true; SQLite takes no expression of depth 1000."""
    chunks = [parts[start : start + _CHUNK] for start in range(0, len(parts), _CHUNK)]
    return " OR ".join(f"({' OR '.join(chunk)})" for chunk in chunks)


def find_text_ranges(lookup: str, text: str) -> list[Range]:
    """Return the texts of SQLite for which a look-up is true of the moment or time they are.

    There are few or many digits behind the seconds, as `CURRENT_TIMESTAMP` and other programs
    write them, and ISO 8601 has a ``T`` between day and time.

    Args:
        lookup: One of `LOOKUPS`, without ``in``.
        text: What is compared with, as ``2024-01-31 23:59:59.123456`` or the time alone.
    """
    low, high = _shorten(text), _lengthen(text)
    day, separator, _ = text.partition(" ")
    found = to_range(lookup, low, high)
    if not separator:
        return [found]
    start = f"{day}T"  # which comes after all other spellings of that day
    low, high = start + low[11:], start + high[11:]
    if lookup in ("gt", "gte"):
        within = Range(found.low, start, is_above=found.is_above, is_below=True)
        return [within, to_range(lookup, low, high)]
    if lookup == "exact":
        return [found, to_range(lookup, low, high)]
    until = low if lookup == "lt" else high
    return [found, Range(start, until, is_below=found.is_below)]


def _shorten(text: str) -> str:
    """Leave out what may be left out; each longer spelling comes later, none of another moment."""
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if "." in text:
        return text
    return text.removesuffix(":00").removesuffix(" 00:00")


def _lengthen(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}"


_RANGES: dict[str, Callable[[Any, Any], Range]] = {
    "exact": Range,
    "lt": lambda low, _: Range(None, low, is_below=True),
    "lte": lambda _, high: Range(None, high),
    "gt": lambda _, high: Range(high, None, is_above=True),
    "gte": lambda low, _: Range(low, None),
}

EXACT = 1 << 53
"""Below this, all whole numbers are floats."""

_LARGE = 1 << 63
"""From here on, SQLite has no whole numbers but floats."""


def _to_bits(number: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", number))[0]
    return bits


_EXACT_BITS = _to_bits(float(EXACT))
_LARGE_BITS = _to_bits(float(_LARGE))
_INFINITE_BITS = _to_bits(float("inf"))
_INFINITE = float("inf")
_LAST = _EXACT_BITS + (_LARGE - EXACT) + (_INFINITE_BITS - _LARGE_BITS)


def _to_index(number: float) -> int:
    """Count the numbers that SQLite can store, by size."""
    size = abs(number)
    if size < EXACT:
        index = _to_bits(float(size))
    elif size < _LARGE:
        index = _EXACT_BITS + int(size) - EXACT
    else:
        index = _EXACT_BITS + _LARGE - EXACT + _to_bits(float(size)) - _LARGE_BITS
    return index if number >= 0 else -index


def _to_number(index: int) -> float:
    size = abs(index)
    number: float
    if size <= _EXACT_BITS:
        [number] = struct.unpack("<d", struct.pack("<q", size))
    elif size < _EXACT_BITS + _LARGE - EXACT:
        number = size - _EXACT_BITS + EXACT
    else:
        bits = size - _EXACT_BITS - (_LARGE - EXACT) + _LARGE_BITS
        [number] = struct.unpack("<d", struct.pack("<q", min(bits, _INFINITE_BITS)))
    return number if index >= 0 else -number


def _get_first(is_met: Callable[[int], bool], start: int) -> int:
    """Return the first index for which something is true that stays true behind it."""
    step = 1
    below = above = start
    if is_met(start):
        below -= 1
        while below > -_LAST and is_met(below):
            above, step = below, step * 2
            below = max(below - step, -_LAST)
    else:
        above += 1
        while above < _LAST and not is_met(above):
            below, step = above, step * 2
            above = min(above + step, _LAST)
    while above - below > 1:
        middle = (above + below) // 2
        if is_met(middle):
            above = middle
        else:
            below = middle
    return above


_SMALLEST, _GREATEST = 1e-45, 3.4028235e38
"""Between these, every float has one of four bytes next to it that is not 0."""


def spell_number(value: Any) -> str | None:
    """Return a number as a literal, which PostgreSQL takes for one of the column's type.

    None where no column of four bytes has it, or where it is no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | decimal.Decimal):
        return None
    if isinstance(value, decimal.Decimal) and value.is_nan():
        return "NaN"
    number: Any = value
    if number and number == number and not _SMALLEST <= abs(number) <= _GREATEST:
        return str(number) if abs(number) == _INFINITE else None
    whole = int(number) if number == number and abs(number) < EXACT else None
    return str(whole) if whole is not None and whole == number else str(number)
