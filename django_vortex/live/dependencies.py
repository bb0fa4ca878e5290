"""What an answer depends on: `Dependency`, one for each table that a query has read."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from django_vortex.live.changes import Change, Key, Operation, Table
from django_vortex.live.comparing import KeyKinds, excludes, find_key_kinds, find_kind, misses
from django_vortex.live.images import find_after, find_before

NO_EQUALITIES: Final[Mapping[str, frozenset[Any]]] = MappingProxyType({})
"""Rows with any values count."""

FindValues: TypeAlias = Callable[[Change, Operation, str, tuple[str, ...]], Collection[Any]]
"""Return the values that rows may have in a column: `find_before` or `find_after`."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """What one query has read of one table.

    Attributes:
        table: The table.
        equalities: By column the values that a row must have to count, None for NULL; only
            columns for which equal in Python is what is equal in the database.
        keys: The primary keys of the rows in the result, where these and `equalities` decide what
            a change concerns; None where they do not, as for aggregates and joined tables.
        deciding: Where keys count: the columns that decide which rows are in the result and where,
            None if any may. Also the columns of `equalities` and those of the order.
        columns: The columns that were read of rows, in whatever way: selected, compared, grouped,
            joined or ordered by. None if any may have been.
        key_columns: The columns of the primary key, in the order of `Key`; empty if not known.
    """

    table: Table
    equalities: Mapping[str, frozenset[Any]] = field(default_factory=lambda: NO_EQUALITIES)
    keys: frozenset[Key] | None = None
    deciding: frozenset[str] | None = None
    columns: frozenset[str] | None = None
    key_columns: tuple[str, ...] = ()
    _kinds: Mapping[str, type | None] = field(init=False, repr=False, compare=False)
    _key_kinds: KeyKinds = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = {column: find_kind(values) for column, values in self.equalities.items()}
        object.__setattr__(self, "_kinds", kinds)
        object.__setattr__(self, "_key_kinds", find_key_kinds(self.keys or frozenset()))

    def is_concerned_by(self, change: Change) -> bool:
        """Return whether a change may have changed what was read; in doubt it may."""
        if change.table != self.table:
            return False
        match change.operation:
            case Operation.INSERT:
                return self._may_come_in(change, Operation.INSERT)
            case Operation.DELETE:
                return self._may_have_had(change, Operation.DELETE)
            case Operation.UPDATE:
                return self._is_concerned_by_update(change)
            case Operation.ANY:
                return (
                    self._may_come_in(change, Operation.INSERT)
                    or self._may_have_had(change, Operation.DELETE)
                    or self._is_concerned_by_update(change)
                )

    def _is_concerned_by_update(self, change: Change) -> bool:
        written = change.columns
        if written is not None and not self.reads_any(written):
            return False
        if self._may_have_had(change, Operation.UPDATE):
            return True
        if written is not None and not self.is_decided_by_any(written):
            return False
        return self._may_come_in(change, Operation.UPDATE)

    def reads_any(self, written: frozenset[str]) -> bool:
        """Return whether one of some columns may have been read."""
        if self.columns is None or not self.columns.isdisjoint(written):
            return True
        if self.keys is not None and self.is_decided_by_any(written):
            return True
        return not written.isdisjoint(self.equalities)

    def is_decided_by_any(self, written: frozenset[str]) -> bool:
        """Return whether rows may come in because of a change of one of some columns."""
        if self.keys is None or self.deciding is None:
            return True
        return not (self.deciding.isdisjoint(written) and written.isdisjoint(self.equalities))

    def _may_have_had(self, change: Change, operation: Operation) -> bool:
        """Return whether rows that were changed may have counted before."""
        if self.keys is not None and change.keys is not None:
            return not misses(self.keys, self._key_kinds, change.keys)
        return self._may_fit(change, operation, find_before)

    def _may_come_in(self, change: Change, operation: Operation) -> bool:
        """Return whether rows that were changed may count afterwards."""
        return self._may_fit(change, operation, find_after)

    def _may_fit(self, change: Change, operation: Operation, find: FindValues) -> bool:
        for column, own in self.equalities.items():
            kind = self._kinds[column]
            values = find(change, operation, column, self.key_columns)
            if all(excludes(own, kind, value) for value in values):
                return False
        return True
