"""Many dependencies as few: `merge`.

An evaluation that reads row by row depends on a thousand queries that differ in one value. They
become one that counts rows with any of the values, which says the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from django_vortex.live.changes import Key, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.shapes import find_shape

MAX_OF_TABLE: Final = 100
"""Of more dependencies on a table nothing is kept but the table."""


def merge(dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """Return fewer dependencies that are concerned by the same changes, or by more of them."""
    tables: dict[Table, list[Dependency]] = {}
    for dependency in dict.fromkeys(_Hashed(one) for one in dependencies):
        tables.setdefault(dependency.one.table, []).append(dependency.one)
    return tuple(chain.from_iterable(map(_merge_table, tables.values())))


class _Hashed:
    """A dependency by its parts."""

    __slots__ = ("one", "parts")

    def __init__(self, one: Dependency) -> None:
        self.one = one
        self.parts = (one.table, find_shape(one), frozenset(one.equalities.items()), one.keys)

    def __hash__(self) -> int:
        return hash(self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self.parts == other.parts


def _merge_table(dependencies: list[Dependency]) -> Iterator[Dependency]:
    """Yield fewer of those of one table."""
    groups: dict[Any, list[Dependency]] = {}
    for one in dependencies:
        own = frozenset(one.equalities.items()) if len(one.equalities) > 1 else None
        groups.setdefault((find_shape(one), own), []).append(one)
    if len(groups) > MAX_OF_TABLE:
        yield Dependency(dependencies[0].table)
        return
    for group in groups.values():
        yield group[0] if len(group) == 1 else _merge_group(group)


def _merge_group(group: list[Dependency]) -> Dependency:
    """Return one that counts what any of them does; they differ in keys, and in one equality."""
    first = group[0]
    keys = None
    if first.keys is not None:
        keys = frozenset[Key]().union(*(one.keys for one in group if one.keys is not None))
    equalities = {
        column: values.union(*(one.equalities[column] for one in group))
        for column, values in first.equalities.items()
    }
    return replace(first, equalities=equalities, keys=keys)
