"""What a transaction has changed that is not committed yet: `PendingChanges`.

Takes changes as they are made, and what happens to savepoints; gives what is to be told after the
commit. Many changes of a table become few that say less.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any, Final

from django_vortex.live.changes import MAX_KEYS, NO_VALUES, Change, Operation, Table

MAX_CHANGES: Final = 64
"""As many changes of a table are told one by one; of more only what they have in common."""


class PendingChanges:
    """Changes in the order of the savepoints that they were made in."""

    def __init__(self) -> None:
        self._frames: list[tuple[str, dict[Table, list[Change]]]] = [("", {})]

    def __bool__(self) -> bool:
        return any(changes for _, changes in self._frames)

    def add(self, changes: Iterable[Change]) -> None:
        """Add what was changed since the last savepoint."""
        tables = self._frames[-1][1]
        for change in changes:
            of_table = tables.setdefault(change.table, [])
            of_table.append(change)
            if len(of_table) > MAX_CHANGES:
                of_table[:] = merge(of_table)

    def begin(self, savepoint: str) -> None:
        """Note that a savepoint was made."""
        self._frames.append((savepoint, {}))

    def release(self, savepoint: str) -> None:
        """Make what was changed since a savepoint a part of what is around it."""
        at = self._find(savepoint)
        if at:
            released = self._frames[at:]
            del self._frames[at:]
            for _, tables in released:
                for changes in tables.values():
                    self.add(changes)

    def undo(self, savepoint: str) -> None:
        """Forget what was changed since a savepoint, which stays; nothing if it is unknown."""
        at = self._find(savepoint)
        if at:
            del self._frames[at:]
            self.begin(savepoint)

    def find_all(self) -> list[Change]:
        """Return all, of each table together."""
        tables: dict[Table, list[Change]] = {}
        for _, found in self._frames:
            for table, changes in found.items():
                tables.setdefault(table, []).extend(changes)
        return [change for changes in tables.values() for change in shorten(changes)]

    def clear(self) -> None:
        """Forget everything, savepoints too."""
        self._frames = [("", {})]

    def _find(self, savepoint: str) -> int:
        """Return the place of the last savepoint of a name, 0 if there is none."""
        for at in range(len(self._frames) - 1, 0, -1):
            if self._frames[at][0] == savepoint:
                return at
        return 0


def shorten(changes: list[Change]) -> list[Change]:
    """Return changes of one table as few, and without keys where there are too many."""
    if len(changes) > MAX_CHANGES:
        changes = merge(changes)
    if sum(len(change.keys or ()) for change in changes) > MAX_KEYS:
        return [replace(change, keys=None) for change in changes]
    return changes


def merge(changes: Iterable[Change]) -> list[Change]:
    """Return one change of each operation that says what is true of all of them."""
    merged: dict[Operation, Change] = {}
    for change in changes:
        before = merged.get(change.operation)
        merged[change.operation] = change if before is None else _merge(before, change)
    return list(merged.values())


def _merge(one: Change, other: Change) -> Change:
    keys = None if one.keys is None or other.keys is None else one.keys | other.keys
    return Change(
        one.table,
        one.operation,
        keys=None if keys is None or len(keys) > MAX_KEYS else keys,
        columns=None
        if one.columns is None or other.columns is None
        else one.columns | other.columns,
        old=find_common([one.old, other.old]),
        new=find_common([one.new, other.new]),
        rows=None if one.rows is None or other.rows is None else one.rows + other.rows,
    )


def find_common(values: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the values that are the same in all."""
    return reduce(_find_common, values) or NO_VALUES


def _find_common(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in one.items() if name in other and other[name] == value}
