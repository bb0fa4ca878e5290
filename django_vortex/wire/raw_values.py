"""Values of raw fields: plain JSON, which travels as it is.

Takes a value, gives it again, with text of any class and members of enums as what they are in JSON.
"""

from __future__ import annotations

import enum
import math
from typing import Any

from django_vortex.exceptions import LoadsOnLoop, UnencodableValue, quoted
from django_vortex.typedefs import Json
from django_vortex.wire.places import index_part, key_part
from django_vortex.wire.ports import EncodesValues

SAME_RAW = frozenset({type(None), bool, int, str})
"""Classes whose values are JSON whatever they are."""

_TEXT_KEYS = frozenset({str})


def encode_raw(encoder: EncodesValues, value: Any, depth: int) -> Json:
    """Return what stands in JSON for the value of a raw field.

    Args:
        encoder: Counts the levels and knows what stands for something else.
        value: The value.
        depth: How deep it is.

    Raises:
        UnencodableValue: It is not plain JSON.
    """
    kind = type(value)
    if kind in SAME_RAW or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return _encode_items(encoder, value, depth)
    if kind is dict:
        return _encode_dict(encoder, value, depth)
    if issubclass(kind, enum.Enum):
        return encode_raw(encoder, value.value, depth)
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int(value)
    if issubclass(kind, float) and math.isfinite(value):
        return float(value)
    return encode_raw(encoder, _resolve(encoder, value), depth)


def _encode_items(encoder: EncodesValues, value: list[Any], depth: int) -> Json:
    depth = encoder.descend(value, depth)
    items = iter(value)
    try:
        return [encode_raw(encoder, item, depth) for item in items]
    except UnencodableValue as error:
        error.under(index_part(value, items))
        raise


def _encode_dict(encoder: EncodesValues, value: dict[Any, Any], depth: int) -> Json:
    depth = encoder.descend(value, depth)
    if not _TEXT_KEYS.issuperset(map(type, value)):
        value = {_to_key(encoder, key): item for key, item in value.items()}
    items = iter(value.items())
    try:
        return {key: encode_raw(encoder, item, depth) for key, item in items}
    except UnencodableValue as error:
        error.under(key_part(value, items))
        raise


def _to_key(encoder: EncodesValues, key: object) -> str:
    if issubclass(type(key), enum.Enum):
        key = key.value  # type: ignore[attr-defined]
    if not isinstance(key, int | float | None) and not issubclass(type(key), str):
        key = _resolve(encoder, key)
    if not isinstance(key, str):
        raise UnencodableValue(f"Raw field holds the key {quoted(key)}, which is no text")
    return str.__str__(key)


def _resolve(encoder: EncodesValues, value: object) -> object:
    encoder.is_lasting = False
    try:
        return encoder.registry.stand_ins.resolve(value)
    except LoadsOnLoop:
        raise
    except UnencodableValue:
        text = f"Raw field holds {quoted(value)}, which is not plain JSON"
        raise UnencodableValue(text) from None
