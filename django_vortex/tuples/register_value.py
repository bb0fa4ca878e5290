"""Registering value types of an application: `register_value`.

Takes a class with the two functions that make plain JSON of its instances and instances of that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples.registry import TupleRegistry, registry
from django_vortex.tuples.values import ValueType
from django_vortex.typedefs import Json

_Value = TypeVar("_Value")


def register_value(
    type: type[_Value],
    name: str,
    encode: Callable[[_Value], Json],
    decode: Callable[[Any], _Value],
    *,
    registry: TupleRegistry = registry,
) -> None:
    """Let instances of a class travel as single values, exactly, between our own ends.

    To be called where the class is defined. Subclasses travel as it. Released clients get the plain
    JSON alone.

    Args:
        type: The class.
        name: The field type on the wire, by convention ``application.name``.
        encode: Makes plain JSON of an instance; not None, which stands for no value.
        decode: Makes an instance of what ``encode`` made. It gets whatever peers send: a
            ``ValueError``, ``TypeError`` or ``LookupError`` tells the peer that this is none.
        registry: Where to register, the program's by default.

    Raises:
        DefinitionError: The name is one of the protocol, or the name or the class is taken.
    """
    value_type = ValueType(type, name, encode, decode)
    if isinstance(type, _CLASS) and registry.get_by_class(type) is not None:
        raise DefinitionError(f"{type.__qualname__} is registered as a tuple type already")
    registry.values.add(value_type)


_CLASS: Any = type
