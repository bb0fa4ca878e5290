"""Keys of dicts, both ways (PROTOCOL 3.3).

Takes any hashable key, gives the text that stands in JSON and says whether a peer reads the same
key from it; takes such a text, gives the key. JSON knows only text, and VortexPY reads every text
that looks like a number as a number, so ``"1"`` cannot be told from ``1`` in a plain object.
"""

from __future__ import annotations

import enum
import json
import math
import operator
from collections.abc import Collection, Mapping
from typing import Any

from django_vortex.exceptions import LimitExceeded

MAX_SAFE_INT = 2**53
"""The largest int that JavaScript reads exactly."""

CERTAINLY_DECIMAL_BITS = 2_000
"""Ints up to here are written in decimal whatever the limit of the interpreter is."""

MAX_EQUAL_HASHES = 100
"""How many keys of one dict or set may have the same hash; honest ones have it by chance only."""

_NUMBER_WORDS = frozenset({"nan", "inf", "infinity"})
_MARKERS = frozenset({"_ct", "_ft"})


def read_key(text: str) -> str | int | float:
    """Return the key that a text in a plain object stands for.

    What ``int`` reads is an int, what only ``float`` reads a float, the rest stays text.
    """
    if text.isidentifier() and text.lower() not in _NUMBER_WORDS:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    try:
        return int(text)
    except ValueError:
        return number


def is_exact_key(key: object) -> bool:
    """Return whether a key comes back from a plain object as it is, in every dialect.

    Falsy keys do not: released clients drop them.
    """
    kind = key.__class__
    if kind is str:
        return bool(key) and key not in _MARKERS and read_key(key) is key  # type: ignore[arg-type]
    if kind is int:
        return key != 0 and -MAX_SAFE_INT <= key <= MAX_SAFE_INT  # type: ignore[operator]
    return kind is float and key != 0 and math.isfinite(key)  # type: ignore[arg-type]


MAX_KNOWN_KEYS = 1024
"""How many keys are remembered; the messages of an application have few different ones."""

MAX_KNOWN_KEY_CHARACTERS = 64

_known_keys: set[str] = set()
_knows_all = _known_keys.issuperset


def are_exact_text_keys(source: Mapping[Any, Any]) -> bool:
    """Return whether all keys are texts that come back as they are; quick for the usual ones."""
    return _knows_all(source) or all(map(_is_exact_text_key, source))


def _is_exact_text_key(key: object) -> bool:
    if not isinstance(key, str) or key.__class__ is not str or not is_exact_key(key):
        return False
    if len(key) <= MAX_KNOWN_KEY_CHARACTERS and len(_known_keys) < MAX_KNOWN_KEYS:
        _known_keys.add(key)
    return True


def write_key(key: object) -> str:
    """Return the text nearest to a key.

    Keys that would be taken for a marker get another underscore in front.
    """
    if isinstance(key, enum.Enum):
        return write_key(key.value)
    if isinstance(key, str):
        return f"_{key}" if key in _MARKERS else str(key)
    try:
        return json.dumps(key) if isinstance(key, int | float | None) else str(key)
    except ValueError:  # an int with more digits than Python writes in decimal
        return hex(key)  # type: ignore[arg-type]


def is_decimal_int(value: int) -> bool:
    """Return whether an int has no more digits than Python writes and reads in decimal."""
    if value.bit_length() <= CERTAINLY_DECIMAL_BITS:
        return True
    try:
        str(value)
    except ValueError:
        return False
    return True


def check_decimal(value: object) -> None:
    """Refuse an int that could not be written in decimal.

    Raises:
        LimitExceeded: It has too many digits.
    """
    if isinstance(value, int) and not is_decimal_int(value):
        raise LimitExceeded(f"Int of {value.bit_length()} bits has too many digits")


def check_hashes(keys: Collection[object]) -> None:
    """Refuse keys that are made to have equal hashes.

    Texts are hashed with a secret, but numbers are not: a peer can choose thousands of numbers (or
    UUIDs, which hash as numbers) that make building a dict or set take minutes.

    Raises:
        LimitExceeded: More than `MAX_EQUAL_HASHES` keys have the same hash.
        TypeError: A key cannot be hashed.
    """
    if len(keys) <= MAX_EQUAL_HASHES:
        return
    hashes = sorted(map(hash, keys))
    if any(map(operator.eq, hashes, hashes[MAX_EQUAL_HASHES:])):
        raise LimitExceeded(f"More than {MAX_EQUAL_HASHES} keys have equal hashes")
