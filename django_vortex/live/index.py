"""Which watches a change may concern: `Index`."""

from collections.abc import Iterable, Sequence, Set

from django_vortex.live.changes import Change, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.watch import Watch


class Index:
    """The watches by what they depend on."""

    def __init__(self) -> None:
        self._dependencies: dict[Watch, tuple[Dependency, ...]] = {}
        self._by_table: dict[Table, set[Watch]] = {}

    def put(self, watch: Watch, dependencies: tuple[Dependency, ...]) -> None:
        """File a watch under its dependencies, and no more under those it had."""
        self.discard(watch)
        self._dependencies[watch] = dependencies
        for dependency in dependencies:
            self._by_table.setdefault(dependency.table, set()).add(watch)

    def discard(self, watch: Watch) -> None:
        """Forget a watch, if it is known."""
        for dependency in self._dependencies.pop(watch, ()):
            watches = self._by_table.get(dependency.table, set())
            watches.discard(watch)
            if not watches:
                self._by_table.pop(dependency.table, None)

    def find(self, changes: Iterable[Change]) -> Set[Watch]:
        """Return the watches that some of the changes concern."""
        return {
            watch
            for change in changes
            for watch in self._by_table.get(change.table, ())
            if is_concerned(self._dependencies[watch], (change,))
        }

    def find_tables(self) -> Set[Table]:
        """Return the tables that some watch depends on."""
        return set(self._by_table)


def is_concerned(dependencies: Sequence[Dependency], changes: Sequence[Change]) -> bool:
    """Return whether some of the changes may have changed what was read."""
    return any(one.is_concerned_by(change) for change in changes for one in dependencies)
