"""The common case of filts, results and dates: what is the same in all dialects.

Takes a value, gives what the codec would give, or None where the codec has to look closer. Every
request and every reply has a filt, and nearly all of them are like this.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from django_vortex.typedefs import Filt, Json
from django_vortex.wire.json_text import escape_json
from django_vortex.wire.keys import MAX_SAFE_INT, are_exact_text_keys

_SAME = frozenset({str, bool, type(None)})
_SAME_WHEN_READ = _SAME | {int, float}
_write = msgspec.json.Encoder().encode


def read_plain(source: Json) -> Filt | None:
    """Give a filt as parsed when decoding would change nothing in it."""
    if source.__class__ is not dict or not are_exact_text_keys(source):
        return None
    for value in source.values():
        if value.__class__ not in _SAME_WHEN_READ:
            return None
    plain: Filt = source
    return plain


def read_plain_date(source: Json) -> datetime | None:
    """Give a date with a zone in the spelling that everybody writes."""
    if source.__class__ is not dict or source.get("_ft") != "datetime":
        return None
    try:
        date = datetime.fromisoformat(source["_fd"])
    except (KeyError, TypeError, ValueError):
        return None
    return None if date.tzinfo is None else date


def write_plain(value: object) -> bytes | None:
    """Give the ASCII JSON of a filt or a result that every dialect writes alike."""
    kind = value.__class__
    if kind is dict:
        return _write_filt(value)  # type: ignore[arg-type]
    return _write_same(value) if kind in _SAME else None


def _write_filt(filt: dict[Any, Any]) -> bytes | None:
    if not are_exact_text_keys(filt):
        return None
    encoded = filt
    for key, value in filt.items():
        kind = value.__class__
        if kind in _SAME:
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
    except UnicodeEncodeError:
        return None  # a lone surrogate, which only the codec can write
