"""The common case of filts, results and dates: what is the same in all dialects.

Takes a value, gives what the codec would give, or None where the codec has to look closer. Every
request and every reply has a filt, and nearly all of them are like this.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from django_vortex.tuples import TupleRegistry
from django_vortex.tuples.scalars import datetime_text
from django_vortex.typedefs import Filt, Json
from django_vortex.wire.json_text import PLAIN, SAME, escape_json
from django_vortex.wire.keys import MAX_SAFE_INT, are_exact_text_keys
from django_vortex.wire.limits import ENVELOPE_VALUES

MAX_PART = 100
"""How many items are looked at of a filt that cannot be read."""

_write = msgspec.json.Encoder().encode


def is_true(value: object) -> bool:
    """Return whether a value of a peer means true: ``True``, or 1, which is equal to it.

    Not every value can be compared: a decimal that is a signalling NaN raises.
    """
    return value is True or (type(value) in (int, float) and value == 1)


def read_plain(source: Json) -> Filt | None:
    """Return a filt as parsed when decoding would change nothing in it."""
    if source.__class__ is not dict or len(source) > ENVELOPE_VALUES:
        return None
    if not are_exact_text_keys(source):
        return None
    for value in source.values():
        if value.__class__ not in PLAIN:
            return None
    plain: Filt = source
    return plain


def read_plain_part(source: Json) -> Filt:
    """Return those of the first values of a filt that decoding would leave as they are."""
    if not isinstance(source, dict) or "_ft" in source:
        return {}
    items = islice(source.items(), MAX_PART)
    return {key: value for key, value in items if read_plain({key: value}) is not None}


def read_plain_date(source: Json) -> datetime | None:
    """Return a date with a zone in the spelling that everybody writes."""
    if source.__class__ is not dict or source.get("_ft") != "datetime":
        return None
    try:
        date = datetime.fromisoformat(source["_fd"])
    except (KeyError, TypeError, ValueError):
        return None
    return None if date.tzinfo is None else date


def write_plain(value: object) -> bytes | None:
    """Return the ASCII JSON of a filt or a result that every dialect writes alike."""
    kind = type(value)
    if kind is dict:
        return _write_filt(value)  # type: ignore[arg-type]
    return _write_same(value) if kind in SAME else None


def write_plain_date(date: datetime | None) -> bytes | None:
    """Return the JSON of a date in UTC, which all dialects but D0 write alike, and of None."""
    if date is None:
        return b"null"
    return write_date(date) if date.tzinfo is UTC else None


def write_date(date: datetime) -> bytes:
    """Return the JSON of a date with a zone, as all dialects but D0 write it."""
    return b'{"_ft":"datetime","_fd":"%b"}' % datetime_text(date).encode("ascii")


def replace_stand_ins(value: Any, registry: TupleRegistry) -> Any:
    """Return a filt or a result with what lazy values and proxies in it stand for.

    Raises:
        UnencodableValue: One stands for what cannot travel.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is dict:
        if PLAIN.issuperset(map(type, value.values())) and _are_text(value):
            return value
        return {
            replace_stand_ins(k, registry): replace_stand_ins(item, registry)
            for k, item in value.items()
        }
    if kind in (list, tuple):
        return kind(replace_stand_ins(item, registry) for item in value)
    return (
        replace_stand_ins(registry.stand_ins.resolve(value), registry)
        if registry.stand_ins.includes(value)
        else value
    )


def _are_text(keys: Iterable[object]) -> bool:
    return all(type(key) is str for key in keys)


def _write_filt(filt: dict[Any, Any]) -> bytes | None:
    if not are_exact_text_keys(filt):
        return None
    encoded = filt
    for key, value in filt.items():
        kind = type(value)
        if kind in SAME:
            continue
        if kind is not int or not -MAX_SAFE_INT <= value <= MAX_SAFE_INT:
            return None
        if encoded is filt:
            encoded = filt.copy()
        encoded[key] = {"_ft": "int", "_fd": value}
    return _write_same(encoded)


def _write_same(value: object) -> bytes | None:
    try:
        return escape_json(_write(value))
    except (UnicodeEncodeError, TypeError):
        return None  # a lone surrogate or a lazy key, which only the codec can write
