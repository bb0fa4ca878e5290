"""Which declared types surely cannot travel, so that a definition can be refused.

Takes a type as it is declared, gives the class whose instances no message carries. What is not
certain passes: an instance that cannot travel is told when it is encoded.
"""

from __future__ import annotations

import inspect
import types
import typing

from django_vortex.tuples import TupleRegistry
from django_vortex.wire.encoder import CARRIED


def get_uncarried(declared: object, registry: TupleRegistry) -> type | None:
    """Return a class whose instances cannot travel, if nothing else can stand in the field.

    Args:
        declared: The type of the field.
        registry: Knows the tuple types and what else travels.
    """
    if isinstance(declared, typing.NewType):
        return get_uncarried(declared.__supertype__, registry)
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Annotated:
        return get_uncarried(arguments[0], registry)
    if origin in (typing.Union, types.UnionType):
        found = [get_uncarried(one, registry) for one in arguments if one is not type(None)]
        return None if None in found or not found else found[0]
    kind = declared if origin is None else origin
    if kind is typing.Any or not isinstance(kind, type):
        return None
    if issubclass(kind, list | tuple | set | frozenset) and arguments:
        inside = [get_uncarried(one, registry) for one in arguments if one is not Ellipsis]
        return next((one for one in inside if one is not None), None)
    return None if _may_travel(kind, registry) else kind


def _may_travel(kind: type, registry: TupleRegistry) -> bool:
    """Return whether there may be instances of a class or of a subclass that travel."""
    if getattr(kind, "_is_protocol", False) or inspect.isabstract(kind):
        return True
    if any(issubclass(kind, base) or issubclass(base, kind) for base in CARRIED):
        return True
    if registry.values.get_by_class(kind) is not None:
        return True
    if registry.get_by_class(kind) is not None or registry.stand_ins.has(kind):
        return True
    return any(issubclass(known.cls, kind) for known in registry)
