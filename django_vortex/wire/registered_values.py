"""Values of types that an application has registered, and `Field` in their place.

Takes a value, gives the wrapper with the data that the application's function made of it; and the
other way round. Released clients, which know none of these types, get the data alone.
"""

from __future__ import annotations

import typing
from typing import Any

from django_vortex.exceptions import MalformedMessage, UnencodableValue, quoted
from django_vortex.tuples import Field
from django_vortex.tuples.values import ValueType, ValueTypes
from django_vortex.typedefs import Json
from django_vortex.wire.encode_plans import strip_optional
from django_vortex.wire.field_types import DATA_ERRORS
from django_vortex.wire.ports import DecodesValues, EncodesValues

_MARKERS = frozenset({"_ft", "_ct"})


def holds_data(declared: object, values: ValueTypes) -> bool:
    """Return whether a field is declared as a registered type, None or a list of them included."""
    declared = strip_optional(declared)
    if typing.get_origin(declared) is list:
        return any(holds_data(item, values) for item in typing.get_args(declared))
    return isinstance(declared, type) and values.get_by_class(declared) is not None


def has_wrappers(value: Json) -> bool:
    """Return whether JSON is more than plain JSON: values that JSON lacks, or tuples."""
    if isinstance(value, dict):
        return not _MARKERS.isdisjoint(value) or any(map(has_wrappers, value.values()))
    return isinstance(value, list) and any(map(has_wrappers, value))


def encode_registered(
    encoder: EncodesValues, value: object, value_type: ValueType, depth: int
) -> Json:
    """Return what stands for a value of a registered type.

    Raises:
        UnencodableValue: The application's function failed, or made no plain JSON.
    """
    try:
        data = value_type.encode(value)
    except UnencodableValue:
        raise
    except Exception as error:
        text = f"Cannot encode {quoted(value)} as {value_type.name!r}: {error!r}"
        raise UnencodableValue(text) from error
    if data is None:
        raise UnencodableValue(f"Encoding {quoted(value)} as {value_type.name!r} made None of it")
    return encode_field(encoder, value_type.name, data, depth)


def encode_field(encoder: EncodesValues, name: str, data: Any, depth: int) -> Json:
    """Return the wrapper of a field type, or the data alone for those who know none."""
    json = encoder.check_raw(data, depth)
    encoder.is_portable = False
    return {"_ft": name, "_fd": json} if encoder.is_native else json


def decode_field(decoder: DecodesValues, name: Json, data: Json, depth: int) -> object:
    """Return the value of a field type that is none of the protocol.

    Raises:
        MalformedMessage: The data stands for none.
    """
    if not isinstance(name, str) or not name:
        raise MalformedMessage(f"Unknown field type {quoted(name)}", "")
    decoder.check_raw(data, depth)
    value_type = decoder.registry.values.get_by_name(name)
    if value_type is None:
        return Field(name, data)
    try:
        return value_type.decode(data)
    except DATA_ERRORS:
        raise MalformedMessage(f"Expected `{name}`, got {quoted(data)}", "") from None
