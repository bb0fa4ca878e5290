"""Checking what a peer sent against the declared type of a field.

Takes a type, gives a function from the decoded value to the value of that type. Besides the type
itself it accepts what an old dialect writes in its place (`encoder` has the table), so that a
``Decimal`` field filled by a released client is a ``Decimal`` again. None always passes in the
place of a whole field.
"""

from __future__ import annotations

import binascii
import datetime as dt
import decimal
import enum
import math
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, TypeAlias

from django_vortex.exceptions import MalformedMessage, WireError, quoted
from django_vortex.tuples.values import ValueType, ValueTypes
from django_vortex.wire.field_types import DATA_ERRORS, READER_ERRORS
from django_vortex.wire.json_text import PLAIN
from django_vortex.wire.keys import check_hashes, write_key

Check: TypeAlias = Callable[[Any], Any]
"""Gives the value of the declared type or raises `MalformedMessage` with the path below it."""


def make_check(declared: object, values: ValueTypes | None = None) -> Check | None:
    """Return the check of a declared type, or None if any value will do.

    None is no declaration. Types that say nothing about a value's class (``Any``, type variables,
    protocols) pass any.

    Args:
        declared: The type.
        values: The value types of the application.
    """
    if isinstance(declared, typing.NewType):
        return make_check(declared.__supertype__, values)
    origin = typing.get_origin(declared)
    if origin is typing.Annotated:
        return make_check(typing.get_args(declared)[0], values)
    if origin in (typing.Union, types.UnionType):
        return _make_union(typing.get_args(declared), values)
    if origin is typing.Literal:
        return _make_literal(typing.get_args(declared))
    arguments = typing.get_args(declared)
    kind = declared if origin is None else origin
    if kind is type(None):
        return _check_none
    if not isinstance(kind, type) or kind in (object, Any):
        return None
    if values is not None and (registered := values.get_by_class(kind)) is not None:
        return _make_registered(kind, registered)
    if issubclass(kind, enum.Enum):
        return _make_enum(kind)
    if kind in _EXACT:
        return _EXACT[kind]
    if issubclass(kind, (list, tuple, Set)) or kind in (Sequence, Iterable):
        return _make_items(kind, arguments, values)
    if issubclass(kind, Mapping):
        return _make_mapping(arguments, values)
    if getattr(kind, "_is_protocol", False):
        return None
    return _make_instance(kind)


def under(error: WireError, part: str) -> None:
    """Put a part of a path before that of an error, unless it concerns the whole message."""
    if error.path != "$":
        error.path = part + error.path


def expected(name: str, value: object) -> MalformedMessage:
    """Return the error for a value that is not what it should be."""
    return MalformedMessage(f"Expected `{name}`, got {quoted(value)}", "")


def _check_none(value: Any) -> Any:
    if value is not None:
        raise expected("None", value)
    return value


def _make_exact(kind: type, nearest: tuple[type, ...], convert: Callable[[Any], object]) -> Check:
    """Accept a class, and others that are converted because old dialects send them instead."""

    def check(value: Any) -> Any:
        if value.__class__ is kind:
            return value
        if value.__class__ in nearest:
            try:
                return convert(value)
            except READER_ERRORS:
                pass
        raise expected(kind.__name__, value)

    return check


def _to_int(value: float | str) -> int | None:
    """Take what forms of released clients send for an int.

    JavaScript writes large whole numbers with an exponent; an input that was left empty is ``""``
    (PROTOCOL 9 has it as the id of a new row).
    """
    if isinstance(value, str):
        if value:
            raise ValueError(value)
        return None
    if not value.is_integer():
        raise ValueError(value)
    return int(value)


def _to_bytes(value: bytes | bytearray | str) -> bytes | bytearray:
    """Take the base64 text that D0 has in the place of bytes."""
    return binascii.a2b_base64(value) if isinstance(value, str) else value


def _to_float(value: Any) -> float:
    return float(value)


_EXACT: dict[object, Check] = {
    bool: _make_exact(bool, (), bool),
    int: _make_exact(int, (float, str), _to_int),
    float: _make_exact(float, (int,), _to_float),
    str: _make_exact(str, (), str),
    bytes: _make_exact(bytes, (bytearray, str), lambda value: bytes(_to_bytes(value))),
    bytearray: _make_exact(bytearray, (bytes, str), lambda value: bytearray(_to_bytes(value))),
    dt.datetime: _make_exact(dt.datetime, (), lambda value: value),
    dt.date: _make_exact(dt.date, (dt.datetime,), lambda value: value.date()),
    dt.time: _make_exact(dt.time, (str,), dt.time.fromisoformat),
    dt.timedelta: _make_exact(
        dt.timedelta, (float, int), lambda value: dt.timedelta(seconds=value)
    ),
    decimal.Decimal: _make_exact(
        decimal.Decimal, (float, int, str), lambda value: decimal.Decimal(str(value))
    ),
    uuid.UUID: _make_exact(uuid.UUID, (str,), uuid.UUID),
}


def _make_enum(kind: type[enum.Enum]) -> Check:
    # What old dialects send in the place of a tuple, a date or a UUID is not equal to that.
    conversions = [make_check(value_type) for value_type in {type(one.value) for one in kind}]

    def check(value: Any) -> Any:
        for convert in (None, *conversions):
            try:
                return kind(value if convert is None else convert(value))
            except (WireError, *READER_ERRORS):
                continue
        raise expected(kind.__name__, value)

    return check


def _make_literal(values: tuple[object, ...]) -> Check:
    def check(value: Any) -> Any:
        for member in values:
            if member == value and member.__class__ is value.__class__:
                return member
        raise expected(" | ".join(repr(member) for member in values), value)

    return check


def _make_union(alternatives: tuple[object, ...], values: ValueTypes | None) -> Check | None:
    checks = [make_check(alternative, values) for alternative in alternatives]
    kinds = {alternative for alternative in alternatives if isinstance(alternative, type)}
    name = " | ".join(getattr(a, "__name__", str(a)) for a in alternatives)
    if None in checks:
        return None
    if len(checks) == 2 and _check_none in checks:
        return _make_optional(next(check for check in checks if check is not _check_none))

    def check(value: Any) -> Any:
        if value.__class__ in kinds:
            return value
        for alternative in checks:
            try:
                return alternative(value)  # type: ignore[misc]  # no None here
            except WireError:
                continue
        raise expected(name, value)

    return check


def _make_optional(check_other: Check | None) -> Check:
    def check(value: Any) -> Any:
        return value if value is None or check_other is None else check_other(value)

    return check


def _make_items(kind: type, arguments: tuple[object, ...], values: ValueTypes | None) -> Check:
    concrete = kind if kind in (list, tuple, set, frozenset) else list
    name = kind.__name__
    homogeneous = kind is not tuple or (len(arguments) == 2 and arguments[1] is Ellipsis)
    element = make_check(arguments[0], values) if arguments and homogeneous else None
    elements = [] if homogeneous else [make_check(argument, values) for argument in arguments]

    def check(value: Any) -> Any:
        if value.__class__ not in (concrete, list):
            raise expected(name, value)
        if elements and len(elements) != len(value):
            raise expected(f"{name} of {len(elements)}", value)
        items: Any = []
        if element is not None or elements:
            try:
                for item in value:
                    wanted = elements[len(items)] if elements else element
                    items.append(item if wanted is None else wanted(item))
            except WireError as error:
                under(error, f"[{len(items)}]")
                raise
        elif value.__class__ is concrete:
            return value
        else:
            items = value
        try:
            if concrete in (set, frozenset):
                check_hashes(items)
            return items if concrete is list else concrete(items)
        except TypeError:
            raise expected(name, value) from None

    return check


def _make_mapping(arguments: tuple[object, ...], values: ValueTypes | None) -> Check:
    checks = [make_check(argument, values) for argument in arguments]
    key_check, item_check = checks if len(checks) == 2 else (None, None)
    keys_are_text = arguments[:1] == (str,)

    def check(value: Any) -> Any:
        if value.__class__ is not dict:
            raise expected("dict", value)
        if key_check is None and item_check is None:
            return value
        checked = {}
        for key, item in value.items():
            try:
                if keys_are_text and key.__class__ in (int, float):
                    key = write_key(key)  # in a plain object "1" reads as 1
                wanted = key if key_check is None else key_check(key)
                checked[wanted] = item if item_check is None else item_check(item)
            except WireError as error:
                under(error, f"[{quoted(key)}]")
                raise
        return checked

    return check


def _make_registered(kind: type, registered: ValueType) -> Check:
    """Accept instances, and the data alone, which is what released clients get and send back."""

    def check(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        try:
            made = registered.decode(_to_data(value))
        except DATA_ERRORS:
            raise expected(kind.__name__, value) from None
        if not isinstance(made, kind):
            raise expected(kind.__name__, value)
        return made

    return check


def _to_data(value: Any) -> Any:
    """Return the plain JSON that a decoded value was, as far as that can be told.

    Raises:
        TypeError: It was none.
    """
    if isinstance(value, list | tuple):
        return list(map(_to_data, value))
    if value.__class__ is dict:
        return {write_key(key): _to_data(item) for key, item in value.items()}
    if value.__class__ in PLAIN and (value.__class__ is not float or math.isfinite(value)):
        return value
    raise TypeError(value)


def _make_instance(kind: type) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise expected(kind.__name__, value)
        return value

    return check
