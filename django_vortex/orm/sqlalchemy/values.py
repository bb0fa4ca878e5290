"""What the values of a SQLAlchemy column are: in Python, on the wire and in the database.

Takes the type of a column, gives a `ColumnValues`: which type peers have to send, how what a query
gave becomes what travels, and how what came becomes what the database takes. What it would refuse
is refused here, where it is still known which field it was.

A datetime with a zone that goes into a column without one is stored in UTC, as is one without a
zone that goes into a column with one: released clients have no other way to say it. Decimals are
rounded to the places of the column, as a database does that has decimals of its own.
"""

import datetime as dt
import decimal
import json
import math
import re
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import types

from django_vortex.exceptions import WireError, quoted
from django_vortex.orm.sqlalchemy.column_values import ColumnValues, Convert, UnfitValue, fit_text
from django_vortex.orm.sqlalchemy.postgres import describe_postgres, get_refusal, is_converting
from django_vortex.orm.sqlalchemy.tracked import to_plain
from django_vortex.wire.type_checks import make_check


def describe_values(column_type: Any, hint: object = None) -> ColumnValues:
    """Return what the values of a column are.

    Args:
        column_type: The type object of the column.
        hint: What the class annotates, for types that only the application knows.
    """
    refused = get_refusal(column_type)
    if refused:
        return ColumnValues(refusal=refused)
    for base in type(column_type).__mro__:
        make = _MAKERS.get(base)
        if make is not None:
            return make(column_type)
    if type(column_type).__visit_name__ == "DOMAIN":
        return describe_values(column_type.data_type, hint)
    found = describe_postgres(column_type)
    if found is not None:
        return found
    if isinstance(column_type, types.TypeDecorator):
        if is_converting(column_type):
            return ColumnValues(hint)
        return describe_values(column_type.impl_instance, hint)
    try:
        python_type = column_type.python_type
    except NotImplementedError:
        return ColumnValues(hint)
    known = isinstance(python_type, type) and python_type is not object
    return ColumnValues(python_type if known else hint)


_INT_BITS: dict[type, int] = {types.SmallInteger: 16, types.Integer: 32, types.BigInteger: 64}

_SQLITE_INT_BITS = 64

_UNREADABLE_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])")
"""Escapes that PostgreSQL does not take inside a JSON text. A pair is not among them."""

_EPOCH = dt.datetime(1970, 1, 1)


def _make_integer(column_type: Any) -> ColumnValues:
    bits = next(_INT_BITS[base] for base in type(column_type).__mro__ if base in _INT_BITS)

    def fit(value: int, dialect: str) -> int:
        return _fit_bits(value, bits)

    def fit_comparison(value: int, dialect: str) -> int:
        return _fit_bits(value, _SQLITE_INT_BITS if dialect == "sqlite" else bits)

    return ColumnValues(int, fit=fit, fit_comparison=fit_comparison)


def _fit_bits(value: int, bits: int) -> int:
    limit = 1 << bits - 1
    if not -limit <= value < limit:
        raise UnfitValue(f"Expected a whole number from {-limit} to {limit - 1}")
    return value


def _make_text(column_type: Any) -> ColumnValues:
    length = column_type.length
    if length is None:
        return ColumnValues(str, fit=fit_text)

    def fit(value: str, dialect: str) -> str:
        if len(value) > length:
            raise UnfitValue(f"Expected at most {length} characters, got {len(value)}")
        return fit_text(value, dialect)

    return ColumnValues(str, fit=fit, fit_comparison=fit_text)


def _make_float(column_type: Any) -> ColumnValues:
    if column_type.asdecimal:
        return ColumnValues(decimal.Decimal, fit=_fit_any_decimal)
    return ColumnValues(float, fit=_fit_float)


def _fit_float(value: float, dialect: str) -> float:
    if dialect != "postgresql" and math.isnan(value):  # SQLite would store it as NULL
        raise UnfitValue("Expected a number, got nan")
    return value


def _make_numeric(column_type: Any) -> ColumnValues:
    if not column_type.asdecimal:
        return ColumnValues(float, export=_export_float, fit=_fit_float)
    precision, scale = column_type.precision, column_type.scale
    if precision is None:
        return ColumnValues(decimal.Decimal, fit=_fit_any_decimal)
    places = decimal.Decimal(1).scaleb(-(scale or 0))
    limit = decimal.Decimal(10) ** (precision - (scale or 0))
    context = decimal.Context(prec=max(precision + 1, 28), rounding=decimal.ROUND_HALF_UP)

    def fit(value: decimal.Decimal, dialect: str) -> decimal.Decimal:
        if value.is_qnan() and dialect == "postgresql":
            return value
        if not value.is_finite() or abs(value) >= limit:
            raise UnfitValue(f"Expected a number of less than {limit}, got {quoted(value)}")
        rounded = value.quantize(places, context=context)
        if abs(rounded) >= limit:
            raise UnfitValue(f"Expected a number of less than {limit}, got {quoted(value)}")
        return rounded

    return ColumnValues(decimal.Decimal, fit=fit, fit_comparison=_fit_any_decimal)


def _export_float(value: Any) -> Any:
    """Return the float that SQLite gives as an int, as it does 1.0."""
    return float(value) if isinstance(value, int | decimal.Decimal) else value


def _fit_any_decimal(value: decimal.Decimal, dialect: str) -> decimal.Decimal:
    if value.is_snan() or (dialect != "postgresql" and not value.is_finite()):
        raise UnfitValue(f"Expected a finite number, got {quoted(value)}")
    return value


def _make_datetime(column_type: Any) -> ColumnValues:
    if not column_type.timezone:
        return ColumnValues(dt.datetime, fit=_fit_naive_datetime)

    def export(value: Any) -> Any:
        if isinstance(value, dt.datetime) and value.tzinfo is None:
            return value.replace(tzinfo=dt.UTC)  # of SQLite
        return value

    return ColumnValues(dt.datetime, export=export, fit=_fit_aware_datetime)


def _fit_naive_datetime(value: dt.datetime, dialect: str) -> dt.datetime:
    return value if value.tzinfo is None else _in_utc(value).replace(tzinfo=None)


def _fit_aware_datetime(value: dt.datetime, dialect: str) -> dt.datetime:
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else _in_utc(value)


def _in_utc(value: dt.datetime) -> dt.datetime:
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise UnfitValue(f"Expected a year from 1 to 9999, got {quoted(value)}") from None


def _make_time(column_type: Any) -> ColumnValues:
    return ColumnValues(dt.time, fit=None if column_type.timezone else _fit_naive_time)


def _fit_naive_time(value: dt.time, dialect: str) -> dt.time:
    if value.tzinfo is not None:
        raise UnfitValue(f"Expected a time without a zone, got {quoted(value)}")
    return value


def _fit_interval(value: dt.timedelta, dialect: str) -> dt.timedelta:
    if dialect not in ("postgresql", "oracle"):  # which store it as a date after 1970
        try:
            _EPOCH + value
        except OverflowError:
            raise UnfitValue(f"Expected a shorter interval, got {quoted(value)}") from None
    return value


def _make_json(column_type: Any) -> ColumnValues:
    variants = getattr(column_type, "_variant_mapping", {})
    is_binary = any(one.__visit_name__ == "JSONB" for one in (column_type, *variants.values()))
    fit = partial(_fit_json, is_binary=is_binary)
    return ColumnValues(is_raw=True, export=to_plain, fit=fit)


def _fit_json(value: object, dialect: str, *, is_binary: bool) -> object:
    """Refuse what is no JSON, and what PostgreSQL keeps as JSON text but not as JSONB."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        raise UnfitValue("Expected plain JSON without NaN") from None
    if is_binary and dialect == "postgresql" and _UNREADABLE_JSON.search(_without_pairs(text)):
        raise UnfitValue("Expected JSON with text that UTF-8 can hold, without NUL characters")
    return value


def _without_pairs(text: str) -> str:
    return re.sub(r"\\ud[89ab]..\\ud[c-f]..", "", text)


def _make_enum(column_type: Any) -> ColumnValues:
    if column_type.enum_class is not None:
        return ColumnValues(column_type.enum_class)
    choices = list(column_type.enums)

    def fit(value: str, dialect: str) -> str:
        if value not in choices:
            raise UnfitValue(f"Expected one of {', '.join(map(repr, choices))}")
        return value

    return ColumnValues(str, fit=fit)


def _make_uuid(column_type: Any) -> ColumnValues:
    if column_type.as_uuid:
        return ColumnValues(uuid.UUID, export=_export_uuid)
    return ColumnValues(str, fit=_fit_uuid)


def _export_uuid(value: Any) -> Any:
    """Return one of the standard library; asyncpg has a class of its own."""
    if type(value) is uuid.UUID or not isinstance(value, uuid.UUID):
        return value
    return uuid.UUID(int=value.int)


def _fit_uuid(value: str, dialect: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise UnfitValue(f"Expected a UUID, got {quoted(value)}") from None


def _make_array(column_type: Any) -> ColumnValues:
    item = describe_values(column_type.item_type)
    kind: Any = tuple if column_type.as_tuple else list
    export, check = item.export, make_check(item.type)

    def fit_item(value: Any, dialect: str) -> Any:
        try:
            return item.to_stored(value if check is None else check(value), dialect)
        except WireError as error:
            raise UnfitValue(error.text) from error

    return ColumnValues(
        _items_type(kind, item.type, column_type.dimensions),
        export=None if export is None else lambda value: _map_items(export, value, kind),
        fit=lambda value, dialect: _map_items(lambda one: fit_item(one, dialect), value, kind),
        is_ordered=item.is_ordered and not item.is_raw,
    )


def _items_type(kind: Any, item: Any, dimensions: int | None) -> object:
    """Return what the array is, as far as the number of its dimensions is certain."""
    if item is None:
        return kind
    found = item | kind | None if dimensions is None else item | None
    for _ in range(dimensions or 1):
        found = kind[found, ...] if kind is tuple else kind[found]
    return found


def _map_items(convert: Convert, value: Any, kind: Any) -> Any:
    """Convert what is inside an array of any number of dimensions."""
    if isinstance(value, (list, tuple)):
        return kind(_map_items(convert, single, kind) for single in value)
    return None if value is None else convert(value)


_MAKERS: dict[type, Callable[[Any], ColumnValues]] = {
    types.Enum: _make_enum,
    types.String: _make_text,
    types.Integer: _make_integer,
    types.Boolean: lambda column_type: ColumnValues(bool),
    types.Float: _make_float,
    types.Numeric: _make_numeric,
    types.DateTime: _make_datetime,
    types.Date: lambda column_type: ColumnValues(dt.date),
    types.Time: _make_time,
    types.Interval: lambda column_type: ColumnValues(dt.timedelta, fit=_fit_interval),
    types.LargeBinary: lambda column_type: ColumnValues(bytes),
    types.JSON: _make_json,
    types.Uuid: _make_uuid,
    types.ARRAY: _make_array,
}
