"""Value types of an application: classes whose instances travel as single values.

Takes a class, a name and two functions, gives what encoder and decoder look up. A value of a type
that is not registered here arrives as `Field`.
"""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django_vortex.exceptions import DefinitionError, quoted

BUILT_IN_NAMES: Final = frozenset(
    {
        *("null", "bool", "int", "bigint", "float", "decimal", "str"),
        *("date", "time", "datetime", "timedelta", "uuid", "bytes", "bytearray", "wkb"),
        *("list", "tuple", "set", "frozenset", "dict", "map"),
    }
)
"""The field types of the protocol."""

BUILT_IN_TYPES: Final = frozenset(
    {
        *(type(None), bool, int, float, decimal.Decimal, str, object),
        *(dt.date, dt.time, dt.datetime, dt.timedelta, uuid.UUID, bytes, bytearray),
        *(list, tuple, set, frozenset, dict),
    }
)
"""The classes that travel already."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a field type that is not registered here. It is sent back as it came.

    Equal to another of the same type and data, and hashable where its data is.

    Attributes:
        type: The name of the field type.
        data: What stands for the value: plain JSON.
    """

    type: str
    data: Any

    def __post_init__(self) -> None:
        check_name(self.type)
        if self.data is None:
            raise DefinitionError(f"A field of type {self.type!r} needs data: None travels as null")


@dataclass(frozen=True, slots=True)
class ValueType:
    """A class whose instances travel as single values.

    Attributes:
        cls: The class.
        name: The field type on the wire.
        encode: Makes plain JSON of a value.
        decode: Makes a value of what ``encode`` made.
    """

    cls: type
    name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


class ValueTypes:
    """The value types of a registry."""

    def __init__(self) -> None:
        self._by_name: dict[str, ValueType] = {}
        self._by_class: dict[type, ValueType] = {}
        self._found: dict[type, ValueType | None] = {}

    def add(self, value_type: ValueType) -> None:
        """Register a value type.

        Raises:
            DefinitionError: Its name or its class is taken.
        """
        cls, name = value_type.cls, value_type.name
        if not isinstance(cls, type):
            raise DefinitionError(f"Expected a class to register as {name!r}, got {quoted(cls)}")
        check_name(name)
        if cls in BUILT_IN_TYPES:
            raise DefinitionError(f"{cls.__qualname__} travels already; make a class of your own")
        by_name, by_class = self._by_name.get(name), self._by_class.get(cls)
        if by_name is not None and not _is_redefinition(by_name.cls, cls):
            raise DefinitionError(
                f"The field type {name!r} is taken by {by_name.cls.__qualname__}; choose another"
            )
        if by_class is not None and by_class.name != name:
            raise DefinitionError(f"{cls.__qualname__} is registered as {by_class.name!r} already")
        if by_name is not None:
            self._by_class.pop(by_name.cls, None)
        self._by_name[name] = self._by_class[cls] = value_type
        self._found.clear()

    def get_by_name(self, name: object) -> ValueType | None:
        """Return the type with a name."""
        return self._by_name.get(name) if isinstance(name, str) else None

    def get_by_class(self, cls: type) -> ValueType | None:
        """Return the type as which instances of a class travel: its own, or that of a base."""
        try:
            return self._found[cls]
        except KeyError:
            bases = (self._by_class.get(base) for base in cls.__mro__)
            found = self._found[cls] = next((one for one in bases if one is not None), None)
            return found


def check_name(name: object) -> None:
    """Check the name of a field type of an application.

    Raises:
        DefinitionError: It is no text, or one of the protocol.
    """
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"Expected the name of a field type, got {quoted(name)}")
    if name in BUILT_IN_NAMES:
        raise DefinitionError(
            f"The field type {name!r} is one of the protocol; choose a name such as 'shop.{name}'"
        )


def _is_redefinition(old: type, new: type) -> bool:
    """Return whether a class replaces its former self, as a reloaded module does."""
    return (old.__module__, old.__qualname__) == (new.__module__, new.__qualname__)
