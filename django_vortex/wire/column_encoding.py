"""Compiled encoding of columns: all values of a field at once.

Takes the values of one field of several tuples, gives what msgspec writes as their column. A few
passes over a column, each in C, see what is in it; what is not simple is encoded value by value.
"""

from __future__ import annotations

import datetime as dt
import decimal
import itertools
import math
import operator
import sys
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from django_vortex.tuples import TupleType
from django_vortex.typedefs import Json
from django_vortex.wire.columns import COLUMNS_MARKER, fold_values
from django_vortex.wire.encode_plans import TUPLE_DEPTH, is_plain_name, strip_optional
from django_vortex.wire.json_text import SAME
from django_vortex.wire.keys import MAX_SAFE_INT
from django_vortex.wire.ports import EncodeColumns, EncodesValues

_WriteColumn: TypeAlias = Callable[[list[Any], bool], Json | None]
"""Takes the values of one class and whether there are nulls among them; None gives up."""

_NONE: Final = type(None)
_MAX_FLOAT: Final = sys.float_info.max

_CHECKED: dict[object, Any] = {
    int: list[Annotated[int, msgspec.Meta(ge=-MAX_SAFE_INT, le=MAX_SAFE_INT)] | None],
    float: list[Annotated[float, msgspec.Meta(ge=-_MAX_FLOAT, le=_MAX_FLOAT)] | None],
    str: list[str | None],
    bool: list[bool | None],
}
"""By declared type: what a column is that msgspec writes as the wire does.

Converting to it and throwing the copy away is the fastest way to look at all values. It takes
subclasses of text, which the writer refuses: the general encoder then has its turn.
"""

_get_zone = operator.attrgetter("tzinfo")


def compile_columns(tuple_type: TupleType) -> EncodeColumns | None:
    """Generate the encoding of tuples of a type in columns; None if it has no fields."""
    fields = tuple_type.fields
    if not fields or not all(is_plain_name(field.name) for field in fields):
        return None
    namespace: dict[str, Any] = {
        "Error": msgspec.ValidationError,
        "convert": msgspec.convert,
        "depth": TUPLE_DEPTH,
        "encode_column": encode_column,
        "fields": [field.name for field in fields],
        "marker": COLUMNS_MARKER,
        "name": tuple_type.name,
    }
    lines = []
    checked: dict[str, Any] = {}
    for index, field in enumerate(fields):
        column = f"c{index}"
        if field.read is None:
            lines.append(f" {column} = [item.{field.name} for item in items]")
        else:
            namespace[f"read{index}"] = field.read
            lines.append(f" {column} = list(map(read{index}, items))")
        declared = strip_optional(field.type)
        if field.raw:
            lines.append(f" {column} = [encoder.check_raw(v, depth) for v in {column}]")
        elif declared in _CHECKED:
            checked[column] = _CHECKED[declared]
        else:
            lines.append(f" {column} = encode_column({column}, encoder)")
    if checked:
        # A struct, since what is known of its types is kept.
        namespace["Simple"] = msgspec.defstruct("Simple", list(checked.items()), array_like=True)
        lines += [f" try: convert(({', '.join(checked)},), Simple)", " except Error:"]
        lines += [f"  {column} = encode_column({column}, encoder)" for column in checked]
    columns = ", ".join(f"c{index}" for index in range(len(fields)))
    locals_of_function = ", ".join(f"{name}={name}" for name in namespace)
    lines.insert(0, f"def encode_columns(items, encoder, {locals_of_function}):")
    lines.append(f" return {{'_ct': marker, '_c': name, 'fields': fields, 'columns': [{columns}]}}")
    exec("\n".join(lines), namespace)
    compiled: EncodeColumns = namespace["encode_columns"]
    return compiled


def encode_column(values: list[Any], encoder: EncodesValues) -> Json:
    """Return the column of the values of a field that is not raw."""
    kinds = set(map(type, values))
    if kinds <= SAME:
        return values
    has_nulls = _NONE in kinds
    kinds.discard(_NONE)
    if len(kinds) == 1:
        write = _WRITERS.get(kinds.pop())
        column = None if write is None else write(values, has_nulls)
        if column is not None:
            return column
    encode = encoder.encode
    return fold_values([v if v.__class__ in SAME else encode(v, TUPLE_DEPTH) for v in values])


def _without_nulls(values: list[Any], has_nulls: bool) -> list[Any]:
    return [value for value in values if value is not None] if has_nulls else values


def _write_ints(values: list[Any], has_nulls: bool) -> Json | None:
    ints = _without_nulls(values, has_nulls)
    return values if min(ints) >= -MAX_SAFE_INT and max(ints) <= MAX_SAFE_INT else None


def _write_floats(values: list[Any], has_nulls: bool) -> Json | None:
    # Of a finite sum every summand is finite.
    return values if math.isfinite(sum(_without_nulls(values, has_nulls))) else None


def _write_moments(values: list[Any], has_nulls: bool) -> Json | None:
    # In other zones msgspec rounds the offset to minutes.
    zones = set(map(_get_zone, _without_nulls(values, has_nulls)))
    return {"_ft": "datetime", "_fd": values} if zones <= {dt.UTC, None} else None


def _write_lists(values: list[Any], has_nulls: bool) -> Json | None:
    items = itertools.chain.from_iterable(_without_nulls(values, has_nulls))
    return values if SAME.issuperset(map(type, items)) else None


def _wrap(kind: str) -> _WriteColumn:
    return lambda values, has_nulls: {"_ft": kind, "_fd": values}


_WRITERS: dict[type, _WriteColumn] = {
    int: _write_ints,
    float: _write_floats,
    dt.datetime: _write_moments,
    dt.date: _wrap("date"),
    decimal.Decimal: _wrap("decimal"),
    uuid.UUID: _wrap("uuid"),
    bytes: _wrap("bytes"),
    bytearray: _wrap("bytearray"),
    list: _write_lists,
}
"""By class: what writes a column of such values, as far as msgspec writes them as the wire does."""
