"""Sets that are empty most of the time, and take no memory then: `EMPTY`, `add` and `remove`."""

from collections.abc import Iterable, Set
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

EMPTY: Final[Set[Any]] = frozenset()
"""What all of them are while nothing is in them."""


def add(items: Set[_T], item: _T) -> Set[_T]:
    """Return a set with one more; the other one is not to be used any more."""
    if isinstance(items, set):
        items.add(item)
        return items
    return {item}


def remove(items: Set[_T], some: Iterable[_T]) -> Set[_T]:
    """Return a set without some; the other one is not to be used any more."""
    if isinstance(items, set):
        items.difference_update(some)
    return items or EMPTY
