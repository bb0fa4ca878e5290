"""The types that arguments of queries may have: what is taken for each, and from whom.

Takes the annotation of an argument, gives a `Reading`. Peers of our own dialect send exactly the
type; released ones cannot write all of them and send the nearest value (`wire.type_checks`), or a
text for a date.
"""

import datetime as dt
import decimal
import enum
import types
import typing
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django_vortex.exceptions import DefinitionError, WireError
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.field_types import READER_ERRORS
from django_vortex.wire.type_checks import Check, expected, make_check, under

SCALARS: Final[tuple[type, ...]] = (
    *(bool, int, float, str, bytes),
    *(dt.datetime, dt.date, dt.time, dt.timedelta),
    *(decimal.Decimal, uuid.UUID),
)

_DATES: Final[dict[type, Callable[[str], object]]] = {
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
}
"""What is made of a text, which a field of a tuple may not have in the place of these."""

_WORDS: Final = (
    "scalars, dates, Decimal, UUID, Enum, registered tuple types, and list and Optional of these"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the values of one type are read.

    Attributes:
        kind: What is of exactly this class passes as it is, without being looked at.
        read: Takes what a peer of our own dialect sends; raises `WireError` with the place.
        read_released: The same for released clients.
    """

    kind: type | None
    read: Check
    read_released: Check


def make_reading(declared: Any, registry: TupleRegistry) -> Reading:
    """Return how the values of a type are read.

    Raises:
        DefinitionError: No argument may have this type.
    """
    if isinstance(declared, typing.NewType):
        return make_reading(declared.__supertype__, registry)
    origin, inner = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Annotated:
        return make_reading(inner[0], registry)
    if origin in (typing.Union, types.UnionType):
        others = [one for one in inner if one is not type(None)]
        if len(others) == 1:
            return _make_optional(make_reading(others[0], registry))
    elif origin is list:
        return _make_list(make_reading(inner[0], registry))
    elif origin is None and isinstance(declared, type):
        if declared in SCALARS:
            return _make_scalar(declared)
        if issubclass(declared, enum.Enum):
            return _make_enum(declared)
        if registry.get_by_class(declared) is not None:
            check = _make_instance(declared)
            return Reading(declared, check, check)
    name = getattr(declared, "__qualname__", None) if origin is None else None
    raise DefinitionError(
        f"is of type {name or declared}, which no argument may have: there are {_WORDS}"
    )


def _make_scalar(kind: type) -> Reading:
    def read(value: Any) -> Any:
        if value.__class__ is kind:
            return value
        if kind is float and value.__class__ is int:
            return float(value)  # JavaScript has no other numbers
        raise expected(kind.__name__, value)

    return Reading(kind, read, _make_released(kind))


def _make_released(kind: type) -> Check:
    nearest = make_check(kind)
    from_text = _DATES.get(kind)

    def read(value: Any) -> Any:
        if from_text is not None and value.__class__ is str:
            try:
                return from_text(value)
            except READER_ERRORS:
                raise expected(kind.__name__, value) from None
        found = value if nearest is None else nearest(value)
        if found is None:  # an input that was left empty
            raise expected(kind.__name__, value)
        return found

    return read


def _make_enum(kind: type[enum.Enum]) -> Reading:
    values = [member.value for member in kind]
    if not all(value.__class__ in SCALARS for value in values):
        raise DefinitionError(
            f"is of type {kind.__qualname__}, whose values are no scalars, so they do not travel"
        )
    members = {(member.value.__class__, member.value): member for member in kind}
    readings = [_make_released(one) for one in dict.fromkeys(value.__class__ for value in values)]
    choices = ", ".join(repr(value) for value in values)

    def read(value: Any) -> Any:
        if value.__class__ in SCALARS:
            member = members.get((value.__class__, value))
            if member is not None:
                return member
        raise expected(choices, value)

    def read_released(value: Any) -> Any:
        for read_value in readings:
            try:
                return read(read_value(value))
            except WireError:
                continue
        raise expected(choices, value)

    return Reading(kind, read, read_released)


def _make_instance(kind: type) -> Check:
    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise expected(kind.__name__, value)

    return read


def _make_optional(inner: Reading) -> Reading:
    def read(value: Any) -> Any:
        return None if value is None else inner.read(value)

    def read_released(value: Any) -> Any:
        return None if value is None else inner.read_released(value)

    return Reading(inner.kind, read, read_released)


def _make_list(item: Reading) -> Reading:
    return Reading(None, _make_items(item.read), _make_items(item.read_released))


def _make_items(read_item: Check) -> Check:
    def read(value: Any) -> Any:
        if value.__class__ is not list:
            raise expected("list", value)
        items: list[Any] = []  # another list: what the function does with it changes no filt
        try:
            for one in value:
                items.append(read_item(one))
        except WireError as error:
            under(error, f"[{len(items)}]")
            raise
        return items

    return read
