"""Remember which fields of a rebuilt tuple came with the message.

Takes instances, gives names. Only partial messages leave a mark on an instance, so complete ones
cost nothing.
"""

from __future__ import annotations

from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples.registry import TupleRegistry, registry

_MARK = "_vortex_present_fields"
_UNKNOWN_MARK = "_vortex_unknown_fields"


def mark_present_fields(instance: Any, names: frozenset[str]) -> None:
    """Note on an instance that its message had only the fields ``names``.

    One without a ``__dict__`` (a slotted dataclass) has no room for it and counts as complete.
    """
    attributes = getattr(instance, "__dict__", None)
    if attributes is not None:
        attributes[_MARK] = names


def get_present_fields(instance: Any) -> frozenset[str] | None:
    """Return the names of the fields that a partial message carried; None is all fields."""
    marked: frozenset[str] | None = getattr(instance, "__dict__", {}).get(_MARK)
    return marked


def present_fields(instance: Any, *, registry: TupleRegistry = registry) -> frozenset[str]:
    """Return the names of the fields that the message of an instance carried.

    All declared fields for one that was made here and not by a peer.

    Raises:
        DefinitionError: The instance is of no registered tuple type.
    """
    present = get_present_fields(instance)
    if present is not None:
        return present
    tuple_type = registry.get_by_class(type(instance))
    if tuple_type is None:
        raise DefinitionError(f"{type(instance).__qualname__} is no registered tuple type")
    return frozenset(field.name for field in tuple_type.fields)


def mark_unknown_fields(instance: Any, names: frozenset[str]) -> None:
    """Remember on an instance that its message carried ``names`` besides, which are no fields."""
    attributes = getattr(instance, "__dict__", None)
    if attributes is not None:
        attributes[_UNKNOWN_MARK] = names


def unknown_fields(instance: Any) -> frozenset[str]:
    """Return the names that the message of an instance carried and that are no fields.

    Known only of types with `TupleType.keeps_unknown`; none for others.
    """
    marked: frozenset[str] = getattr(instance, "__dict__", {}).get(_UNKNOWN_MARK, frozenset())
    return marked
