"""Dependencies of one shape, by the values and keys in them: `ShapeIndex`.

Queries of one kind depend on a table in the same way and differ in values. So what a change means
for all of them is decided once, and then those are found whose values and keys it names.
"""

from collections.abc import Collection, Iterable, Iterator, Set, Sized
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeAlias, TypeVar

from django_vortex.live.buckets import Buckets
from django_vortex.live.changes import Change, Operation
from django_vortex.live.comparing import KeyKinds, find_key_kinds, find_value_kinds
from django_vortex.live.dependencies import Dependency, FindValues
from django_vortex.live.images import find_after, find_before

_W = TypeVar("_W")

_Names: TypeAlias = frozenset[str]

Shape: TypeAlias = tuple[bool, _Names, _Names | None, _Names | None, tuple[str, ...]]
"""Whether keys count, the columns of equalities, those that decide, that were read, of the key."""

_ALL: Final = (Operation.INSERT, Operation.UPDATE, Operation.DELETE)


@dataclass(frozen=True, slots=True, eq=False)
class Entry(Generic[_W]):
    """A dependency of a watch."""

    watch: _W
    dependency: Dependency


def find_shape(dependency: Dependency) -> Shape:
    """Return the shape of a dependency: all of it but values and keys."""
    return (
        dependency.keys is not None,
        frozenset(dependency.equalities),
        dependency.deciding,
        dependency.columns,
        dependency.key_columns,
    )


class ShapeIndex(Generic[_W], Sized):
    """Entries of one table and one shape.

    Args:
        dependency: One of the shape.
    """

    def __init__(self, dependency: Dependency) -> None:
        self._is_by_keys = dependency.keys is not None
        self._sample = replace(
            dependency,
            equalities={column: frozenset() for column in dependency.equalities},
            keys=frozenset() if self._is_by_keys else None,
        )
        self._entries: set[Entry[_W]] = set()
        self._columns = {column: Buckets[Entry[_W]]() for column in dependency.equalities}
        self._rows = Buckets[Entry[_W]]()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry[_W]) -> None:
        """File an entry."""
        self._entries.add(entry)
        for buckets, values, kinds in self._find_places(entry.dependency):
            buckets.add(entry, values, kinds)

    def remove(self, entry: Entry[_W]) -> None:
        """Take an entry out that was filed."""
        self._entries.remove(entry)
        for buckets, values, kinds in self._find_places(entry.dependency):
            buckets.remove(entry, values, kinds)

    def _find_places(
        self, dependency: Dependency
    ) -> Iterator[tuple[Buckets[Entry[_W]], Set[Any], KeyKinds]]:
        """Give where an entry is filed: the buckets, under what, and the types of that."""
        for column, values in dependency.equalities.items():
            yield self._columns[column], values, find_value_kinds(values)
        if dependency.keys:
            yield self._rows, dependency.keys, find_key_kinds(dependency.keys)

    def find(self, change: Change) -> Iterable[Entry[_W]]:
        """Return all entries that a change may concern, and some others."""
        if change.operation is not Operation.ANY:
            return self._find(change, change.operation)
        found: set[Entry[_W]] = set()
        for operation in _ALL:
            found.update(self._find(change, operation))
        return found

    def _find(self, change: Change, operation: Operation) -> Iterable[Entry[_W]]:
        if operation is Operation.INSERT:
            return self._match(change, operation, find_after)
        written = change.columns if operation is Operation.UPDATE else None
        if written is not None and not self._sample.reads_any(written):
            return ()
        found = self._find_with_rows(change, operation)
        if operation is Operation.DELETE or found is self._entries:
            return found
        if written is not None and not self._sample.is_decided_by_any(written):
            return found
        return {*found, *self._match(change, operation, find_after)}

    def _find_with_rows(self, change: Change, operation: Operation) -> Collection[Entry[_W]]:
        """Return those that may have had some of the rows before."""
        if not self._is_by_keys or change.keys is None:
            return self._match(change, operation, find_before)
        found = self._rows.find(change.keys, find_key_kinds(change.keys))
        return self._entries if found is None else found

    def _match(
        self, change: Change, operation: Operation, find: FindValues
    ) -> Collection[Entry[_W]]:
        """Return those for which rows may count, by all columns with equalities."""
        some: list[Collection[Entry[_W]]] = []
        for column, buckets in self._columns.items():
            values = find(change, operation, column, self._sample.key_columns)
            found = buckets.find(values, find_value_kinds(values))
            if found is not None:
                some.append(found)
        if not some:
            return self._entries
        fewest = min(some, key=len)
        others = [one for one in some if one is not fewest]
        return [entry for entry in fewest if all(entry in one for one in others)]
