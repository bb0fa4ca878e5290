"""What the INSERT, UPDATE and DELETE statements of Django's ORM change: `describe`.

Takes a compiler that has just made its statement, gives what becomes the changes of it once it was
executed. Looks at the query and its instances before the statement, never later: an application
may have made something else of them by then.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import models
from django.db.models.constants import OnConflict
from django.db.models.sql.compiler import SQLDeleteCompiler, SQLInsertCompiler

from django_vortex.live.changes import MAX_KEYS, NO_VALUES, Change, Key, Operation, Table
from django_vortex.live.comparing import UNKNOWN
from django_vortex.orm.django.equalities import Equalities, find_equalities, find_keys, find_single
from django_vortex.orm.django.plain_columns import ModelColumns, get_columns, read_value

MAX_ROWS: Final = 16
"""An INSERT of more rows is one change, of what all rows have in common."""


class Statement(ABC):
    """What a statement is about to change.

    Args:
        compiler: What has made the statement.
    """

    def __init__(self, compiler: Any) -> None:
        self.model: type[models.Model] = compiler.query.get_meta().model
        self.vendor: str = compiler.connection.vendor
        self.columns: ModelColumns = get_columns(self.model, self.vendor)
        self.is_executed = False
        self.rows: int | None = None
        """How many rows the database says it was."""

    def note_executed(self, cursor: Any) -> None:
        """Note that the statement was executed, or a part of it that has a text of its own."""
        self.is_executed = True
        count = cursor.rowcount
        self.rows = None if count < 0 else count + (self.rows or 0)

    @abstractmethod
    def find_changes(
        self, table: Table, returned: Any, returning: Iterable[Any] | None
    ) -> list[Change]:
        """Return the changes of the model's own table.

        Args:
            table: That table.
            returned: What the execution has returned.
            returning: The fields that the database was asked to return.
        """


class Insert(Statement):
    """An INSERT of instances."""

    def __init__(self, compiler: Any) -> None:
        super().__init__(compiler)
        query = compiler.query
        rows = query.objs
        self._is_upsert = query.on_conflict == OnConflict.UPDATE
        self._count = len(rows)
        plain = self.columns.plain
        written = [field.column for field in query.fields if field.column in plain]
        self._values: list[dict[str, Any]] = []
        """Of each row; where they are many only the columns of the key."""
        self._common: Mapping[str, Any] = NO_VALUES
        if self._count > MAX_ROWS:
            self._common = find_common_values(self.columns, rows, written)
            written = [column for column in written if column in self.columns.keys]
        if self._count <= MAX_KEYS:
            self._values = [self.columns.read_row(row, written) for row in rows]

    def find_changes(
        self, table: Table, returned: Any, returning: Iterable[Any] | None
    ) -> list[Change]:
        """Return a change of each row, or of all together."""
        made = self._read_returned(returned, returning)
        if self._is_upsert:  # rows may have been there, with other keys
            return [Change(table, Operation.ANY, self._find_keys(made), rows=self._count)]
        if made:
            self._values = [{**one, **more} for one, more in zip(self._values, made, strict=True)]
        if self._count <= MAX_ROWS:
            return [
                Change(table, Operation.INSERT, self._find_keys([values]), new=values, rows=1)
                for values in self._values
            ]
        keys = self._find_keys(self._values)
        return [Change(table, Operation.INSERT, keys, new=self._common, rows=self._count)]

    def _read_returned(
        self, returned: Any, returning: Iterable[Any] | None
    ) -> list[dict[str, Any]]:
        """Return the values that the database has made, of each row; nothing if they are less."""
        plain = self.columns.plain
        places = [
            (at, field.column, plain[field.column])
            for at, field in enumerate(returning or ())
            if field.column in plain
        ]
        if not places or not returned or len(returned) != self._count or self._count > MAX_KEYS:
            return []
        return [
            {
                column: value
                for at, column, one in places
                if (value := read_value(one, row[at])) is not UNKNOWN
            }
            for row in returned
        ]

    def _find_keys(self, rows: list[dict[str, Any]]) -> frozenset[Key] | None:
        if not rows or not self.columns.has_plain_key:
            return None
        keys = [self.columns.read_key(values) for values in rows]
        return None if None in keys else frozenset(key for key in keys if key is not None)


class Conditions:
    """What is certain of the rows that a query finds, before its statement is made.

    Args:
        compiler: The compiler of the query.
    """

    def __init__(self, compiler: Any) -> None:
        query = compiler.query
        self.where = query.where
        columns = get_columns(query.get_meta().model, compiler.connection.vendor)
        # `base_table` would keep that there is none yet.
        alias = next(iter(query.alias_map), None)
        self.equalities: Equalities = {}
        self.keys: frozenset[Key] | None = None
        if self.where.children:
            find = columns.find_plain
            self.equalities = find_equalities(self.where, alias, find)
            self.keys = find_keys(self.where, alias, find, columns.keys, self.equalities)


class Conditional(Statement):
    """A statement with conditions.

    Args:
        compiler: What has made the statement.
        conditions: Those that were there before.
    """

    def __init__(self, compiler: Any, conditions: Conditions) -> None:
        super().__init__(compiler)
        self._keys = conditions.keys
        equalities = conditions.equalities
        if compiler.query.where is not conditions.where:
            # Conditions over several tables were replaced by a list of keys, or by a query.
            now = Conditions(compiler)
            equalities = {**equalities, **now.equalities}
            self._keys = now.keys if self._keys is None else self._keys
        self._old: Mapping[str, Any] = find_single(equalities)


class Delete(Conditional):
    """A DELETE of the rows that a query finds."""

    def find_changes(
        self, table: Table, returned: Any, returning: Iterable[Any] | None
    ) -> list[Change]:
        """Return one change."""
        return [Change(table, Operation.DELETE, self._keys, old=self._old, rows=self.rows)]


class Update(Conditional):
    """An UPDATE of the rows that a query finds."""

    def __init__(self, compiler: Any, conditions: Conditions) -> None:
        super().__init__(compiler, conditions)
        written: dict[str, Any] = {}
        for field, _, value in compiler.query.values:
            if isinstance(value, models.Model) and field.remote_field is not None:
                value = getattr(value, field.target_field.attname, UNKNOWN)
            plain = self.columns.plain.get(field.column)
            written[field.column] = UNKNOWN if plain is None else read_value(plain, value)
        self._written = frozenset(written) | self.columns.generated
        kept = {name: old for name, old in self._old.items() if name not in self._written}
        self._new = {**kept, **{k: v for k, v in written.items() if v is not UNKNOWN}}
        if not self._written.isdisjoint(self.columns.keys):
            self._add_new_keys()

    def find_changes(
        self, table: Table, returned: Any, returning: Iterable[Any] | None
    ) -> list[Change]:
        """Return one change."""
        return [
            Change(
                table,
                Operation.UPDATE,
                self._keys,
                self._written,
                self._old or NO_VALUES,
                self._new or NO_VALUES,
                self.rows,
            )
        ]

    def _add_new_keys(self) -> None:
        """Add the key that rows get where it is changed too."""
        new = self.columns.read_key(self._new)
        self._keys = None if new is None or self._keys is None else self._keys | {new}


def look_ahead(compiler: Any) -> Conditions | None:
    """Return what is certain of a query before its statement is made, None of an INSERT."""
    return None if isinstance(compiler, SQLInsertCompiler) else Conditions(compiler)


def describe(compiler: Any, conditions: Conditions | None) -> Statement:
    """Return what the statements change that a compiler has made.

    Args:
        compiler: The compiler.
        conditions: What `look_ahead` gave.
    """
    if conditions is None:
        return Insert(compiler)
    if isinstance(compiler, SQLDeleteCompiler):
        return Delete(compiler, conditions)
    return Update(compiler, conditions)


def find_common_values(
    columns: ModelColumns, rows: Sequence[models.Model], names: Iterable[str]
) -> dict[str, Any]:
    """Return the values of some columns that all rows share."""
    common = columns.read_row(rows[0], names)
    for name, value in list(common.items()):
        attname = columns.attnames[name]
        for row in rows:
            given = row.__dict__.get(attname, UNKNOWN)
            if given is not value and columns.read_row(row, [name]).get(name, UNKNOWN) != value:
                del common[name]
                break
    return common
