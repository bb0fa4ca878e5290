"""Register value types of an application: `register_value`.

Takes a class with a function that encodes its instances as plain JSON, and one that decodes them.
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
    """Register a class whose instances travel as single values.

    To be called where the class is defined. Instances of subclasses travel as instances of it.
    Clients of released versions get the plain JSON alone.

    Args:
        type: The class.
        name: The field type on the wire, by convention ``application.name``.
        encode: Takes an instance, returns plain JSON; not None, which means no value.
        decode: Takes what ``encode`` returned, returns an instance. It gets whatever peers send: a
            ``ValueError``, ``TypeError`` or ``LookupError`` is answered as an invalid value.
        registry: Where to register, the program's by default.

    Raises:
        DefinitionError: The name is one of the protocol, or the name or the class is taken.
    """
    value_type = ValueType(type, name, encode, decode)
    if isinstance(type, _CLASS) and registry.get_by_class(type) is not None:
        raise DefinitionError(f"{type.__qualname__} is registered as a tuple type already")
    registry.values.add(value_type)


_CLASS: Any = type
