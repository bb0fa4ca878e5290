"""What an answer depends on: `Dependency`, one for each table that a query has read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from django_vortex.live.changes import Change, Key, Table

NO_EQUALITIES: Final[Mapping[str, frozenset[Any]]] = MappingProxyType({})
"""Rows with any values count."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """What one query has read of one table.

    Attributes:
        table: The table.
        equalities: By column the values that a row must have to count, None for NULL; only
            columns for which equal in Python is what is equal in the database.
        keys: The primary keys of the rows in the result, where these and `equalities` decide what
            a change concerns; None where they do not.
        deciding: Where keys count: the columns that decide which rows are in the result and where,
            None if any may.
        columns: The columns that were read of rows, None if any may have been.
    """

    table: Table
    equalities: Mapping[str, frozenset[Any]] = field(default_factory=lambda: NO_EQUALITIES)
    keys: frozenset[Key] | None = None
    deciding: frozenset[str] | None = None
    columns: frozenset[str] | None = None

    def is_concerned_by(self, change: Change) -> bool:
        """Return whether a change may have changed what was read; in doubt it may."""
        return change.table == self.table
