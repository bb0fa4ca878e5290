"""Which watches a change may concern: `Index`.

Takes watches with what they depend on, and changes. Gives the same watches as asking each of their
dependencies, and asks few: those that are filed under a key or a value that the change names.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Generic, TypeVar

from django_vortex.live.changes import Change, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.shapes import Entry, Shape, ShapeIndex, find_shape

_W = TypeVar("_W")


class Index(Generic[_W]):
    """Watches by what they depend on."""

    def __init__(self) -> None:
        self._entries: dict[_W, tuple[Entry[_W], ...]] = {}
        self._tables: dict[Table, dict[Shape, ShapeIndex[_W]]] = {}

    def put(self, watch: _W, dependencies: Sequence[Dependency]) -> None:
        """File a watch under its dependencies, and no more under those it had."""
        before = self._entries.get(watch, ())
        if [entry.dependency for entry in before] == list(dependencies):
            return
        self.discard(watch)
        entries = tuple(Entry(watch, dependency) for dependency in dependencies)
        for entry in entries:
            shapes = self._tables.setdefault(entry.dependency.table, {})
            shape = find_shape(entry.dependency)
            if shape not in shapes:
                shapes[shape] = ShapeIndex(entry.dependency)
            shapes[shape].add(entry)
        if entries:
            self._entries[watch] = entries

    def discard(self, watch: _W) -> None:
        """Forget a watch, if it is known."""
        for entry in self._entries.pop(watch, ()):
            table, shape = entry.dependency.table, find_shape(entry.dependency)
            shapes = self._tables[table]
            shapes[shape].remove(entry)
            if not shapes[shape]:
                del shapes[shape]
            if not shapes:
                del self._tables[table]

    def find(self, changes: Iterable[Change]) -> Set[_W]:
        """Return the watches that some of the changes may concern."""
        found: set[_W] = set()
        for change in changes:
            for shape in self._tables.get(change.table, {}).values():
                for entry in shape.find(change):
                    if entry.watch not in found and entry.dependency.is_concerned_by(change):
                        found.add(entry.watch)
        return found

    def find_tables(self) -> Set[Table]:
        """Return the tables that some watch depends on."""
        return set(self._tables)


def is_concerned(dependencies: Sequence[Dependency], changes: Sequence[Change]) -> bool:
    """Return whether some of the changes may have changed what was read."""
    return any(one.is_concerned_by(change) for change in changes for one in dependencies)
