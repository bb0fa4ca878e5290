"""What an INSERT, UPDATE or DELETE writes to its own table: `MainWrite`.

Takes the parameters of an execution, gives its changes. What only the database knows, such as the
value of an expression, is not among what is known of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django_vortex.live.changes import MAX_KEYS, NO_VALUES, Change, Key, Operation, Table
from django_vortex.live.comparing import UNKNOWN
from django_vortex.orm.sqlalchemy.equalities import Comparison, Expansions, Parameters
from django_vortex.orm.sqlalchemy.exact_values import Fit

MAX_ROWS: Final = 20
"""Of more rows of one execution than this, one change is made, with what all of them have."""


@dataclass(frozen=True, slots=True)
class MainWrite:
    """What a statement does with the rows of its table.

    Attributes:
        name: Of the table.
        operation: What it does.
        columns: What an update writes, None if that may be anything.
        values: By column the parameter with its new value, and what fits it.
        keys: By column of the primary key what fits it; None where keys cannot be known.
        key_values: By column of the primary key the parameter with its new value.
        comparisons: What its WHERE asks of columns.
        key_comparisons: The same of the columns of the primary key.
        is_counted: Whether each set of parameters is one row.
        is_paired: Whether keys that the database returns are in the order of the parameters.
    """

    name: str
    operation: Operation
    columns: frozenset[str] | None
    values: Mapping[str, tuple[str, Fit]]
    keys: Mapping[str, Fit] | None
    key_values: Mapping[str, tuple[str, Fit]]
    comparisons: tuple[Comparison, ...]
    key_comparisons: tuple[Comparison, ...]
    is_counted: bool
    is_paired: bool

    @property
    def wants_returned(self) -> bool:
        """Whether a key may be known from what the database gives back alone."""
        is_insert = self.operation is Operation.INSERT and bool(self.keys)
        return is_insert and not (self.keys or {}).keys() <= self.key_values.keys()

    def find_changes(
        self,
        database: str,
        parameters: Sequence[Parameters],
        expansions: Expansions,
        returned: Sequence[Any] | None,
        counted: int | None,
    ) -> Sequence[Change]:
        """Return the changes of an execution.

        Args:
            database: The name of the database.
            parameters: The parameters, a mapping for each row of an ``executemany``.
            expansions: What the parameters of lists became.
            returned: The primary keys of inserted rows, None in the place of what is not known.
            counted: How many rows the driver has counted, None if it has not.
        """
        table = Table(database, self.name)
        if len(parameters) > MAX_ROWS:
            return [self._find_many(table, parameters, returned, counted)]
        made = []
        for index, row in enumerate(parameters):
            old = self._find_old(row, expansions)
            new = self._find_new(row, old)
            key = None
            if returned is not None and (self.is_paired or len(parameters) == 1):
                key = returned[index] if index < len(returned) else None
            keys = self._find_keys(row, expansions, key)
            if self.operation is Operation.INSERT and keys and self.keys:
                [key] = keys
                new = {**new, **dict(zip(self.keys, key, strict=True))}
            rows = counted if len(parameters) == 1 else None
            if rows is None and keys is not None:
                rows = len(keys)
            elif self.is_counted:
                rows = 1
            made.append(Change(table, self.operation, keys, self.columns, old, new, rows))
        if returned is not None and not self.is_paired and len(made) > 1:
            return [self._find_many(table, parameters, returned, counted)]
        return made

    def _find_many(
        self,
        table: Table,
        parameters: Sequence[Parameters],
        returned: Sequence[Any] | None,
        counted: int | None,
    ) -> Change:
        keys: frozenset[Key] | None = None
        is_known = returned is not None or not self.wants_returned
        if len(parameters) <= MAX_KEYS and is_known:
            found = [
                self._find_keys(row, {}, None if returned is None else returned[index])
                for index, row in enumerate(parameters)
                if returned is None or index < len(returned)
            ]
            if len(found) == len(parameters) and None not in found:
                keys = frozenset[Key]().union(*(one for one in found if one is not None))
        new: Mapping[str, Any] = NO_VALUES
        if self.operation is Operation.INSERT:
            new = {
                column: values.pop()
                for column, (name, fit) in self.values.items()
                if len(values := {fit(row.get(name, UNKNOWN)) for row in parameters}) == 1
                and UNKNOWN not in values
            }
        rows = len(parameters) if self.is_counted else counted
        if rows is None and keys is not None:
            rows = len(keys)
        return Change(table, self.operation, keys, self.columns, NO_VALUES, new, rows)

    def _find_old(self, row: Parameters, expansions: Expansions) -> Mapping[str, Any]:
        """Return what every row had that the statement has found."""
        old = {}
        for one in self.comparisons:
            values = one.find_values(row, expansions)
            if values is not None and len(values) == 1:
                [old[str(one.column.name)]] = values
        return old

    def _find_new(self, row: Parameters, old: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what every row has afterwards."""
        if self.operation is Operation.DELETE:
            return NO_VALUES
        columns = self.columns
        new = {} if columns is None else {n: v for n, v in old.items() if n not in columns}
        for column, (name, fit) in self.values.items():
            value = fit(row.get(name, UNKNOWN))
            if value is not UNKNOWN:
                new[column] = value
        return new

    def _find_keys(
        self, row: Parameters, expansions: Expansions, returned: Any
    ) -> frozenset[Key] | None:
        if not self.keys:
            return None
        if self.operation is Operation.INSERT:
            return self._find_inserted(row, returned)
        found: dict[str, frozenset[Any]] = {}
        for one in self.key_comparisons:
            values = one.find_values(row, expansions)
            if values is not None:
                name = str(one.column.name)
                found[name] = found[name] & values if name in found else values
        if found.keys() != self.keys.keys():
            return None
        keys: list[Key] = [()]
        for name in self.keys:
            keys = [(*key, value) for key in keys for value in found[name]]
            if len(keys) > MAX_KEYS:
                return None
        return frozenset(keys)

    def _find_inserted(self, row: Parameters, returned: Any) -> frozenset[Key] | None:
        key = []
        for index, (column, fit) in enumerate((self.keys or {}).items()):
            name = self.key_values[column][0] if column in self.key_values else None
            value = UNKNOWN if name is None else fit(row.get(name, UNKNOWN))
            if value in (UNKNOWN, None) and returned is not None:
                value = fit(returned[index])
            if value is UNKNOWN or value is None:
                return None
            key.append(value)
        return frozenset([tuple(key)])
