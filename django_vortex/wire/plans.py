"""The compiled plans of tuple types: `Plans`.

Takes the class or the name of a type, gives its plan, which is made when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from django_vortex.tuples import TupleType

_Key = TypeVar("_Key", bound=Hashable)
_Plan = TypeVar("_Plan")


class Plans(Generic[_Key, _Plan]):
    """The plans of one kind, of all types; a type that is registered anew gets a new one.

    Args:
        find: Returns the type that a key stands for now, None for a key that stands for none.
        make: Compiles the plan of a type; returns None where that cannot be compiled.
    """

    __slots__ = ("_find", "_known", "_make")

    def __init__(
        self, find: Callable[[_Key], TupleType | None], make: Callable[[TupleType], _Plan | None]
    ) -> None:
        self._find = find
        self._make = make
        self._known: dict[_Key, tuple[TupleType, _Plan | None]] = {}

    def get(self, key: _Key) -> _Plan | None:
        """Return the plan of a type; None if there is no such type, or no plan of it."""
        tuple_type = self._find(key)
        if tuple_type is None:
            return None
        known = self._known.get(key)
        if known is None or known[0] is not tuple_type:
            known = self._known[key] = (tuple_type, self._make(tuple_type))
        return known[1]
