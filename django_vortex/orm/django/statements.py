"""What the INSERT, UPDATE and DELETE statements of Django's ORM change: `describe`.

Takes a compiler that has just made its statement, gives what becomes the changes of it once it was
executed. Looks at the query and its instances before the statement, never later: an application
may have made something else of them by then.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db import models
from django.db.models.constants import OnConflict
from django.db.models.sql.compiler import SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler

from django_vortex.live.changes import MAX_KEYS, NO_VALUES, Change, Key, Operation, Table
from django_vortex.orm.django.equalities import Equalities, find_equalities, find_keys, find_single
from django_vortex.orm.django.plain_columns import UNKNOWN, ModelColumns, get_columns, read_value
from django_vortex.orm.pending_changes import find_common

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
        self._is_upsert = query.on_conflict == OnConflict.UPDATE
        self._count = len(query.objs)
        written = {field.column for field in query.fields}
        self._values = [
            {
                column: value
                for column, value in self.columns.read_row(row).items()
                if column in written
            }
            for row in query.objs
        ]

    def find_changes(
        self, table: Table, returned: Any, returning: Iterable[Any] | None
    ) -> list[Change]:
        """Return a change of each row, or of all together."""
        self._read_returned(returned, returning)
        if self._is_upsert:  # rows may have been there, with other keys
            keys = self._find_keys(self._returned_values)
            return [Change(table, Operation.ANY, keys, rows=self._count)]
        if self._count <= MAX_ROWS:
            return [
                Change(table, Operation.INSERT, self._find_keys([values]), new=values, rows=1)
                for values in self._values
            ]
        common = find_common(self._values)
        keys = self._find_keys(self._values)
        return [Change(table, Operation.INSERT, keys, new=common, rows=self._count)]

    def _read_returned(self, returned: Any, returning: Iterable[Any] | None) -> None:
        """Complete the values by those that the database has made."""
        self._returned_values: list[dict[str, Any]] = []
        fields = list(returning or ())
        if not returned or len(returned) != self._count:
            return
        plain = self.columns.plain
        for row in returned:
            values = {
                field.column: value
                for field, given in zip(fields, row, strict=False)
                if field.column in plain
                and (value := read_value(plain[field.column], given)) is not UNKNOWN
            }
            self._returned_values.append(values)
        if not self._is_upsert:
            for known, values in zip(self._values, self._returned_values, strict=True):
                known.update(values)

    def _find_keys(self, rows: list[dict[str, Any]]) -> frozenset[Key] | None:
        if not rows or len(rows) > MAX_KEYS or not self.columns.has_plain_key:
            return None
        keys = [self.columns.read_key(values) for values in rows]
        return None if None in keys else frozenset(key for key in keys if key is not None)


class Conditional(Statement):
    """A statement with conditions."""

    def __init__(self, compiler: Any, where: Equalities | None = None) -> None:
        super().__init__(compiler)
        query = compiler.query
        alias = find_alias(query)
        # Conditions over several tables are replaced by a list of keys, or by a query.
        self._old: Mapping[str, Any] = find_single(
            {**(where or {}), **find_equalities(query.where, alias, self.vendor)}
        )
        self._keys = (
            find_keys(query.where, alias, self.vendor, self.columns.keys)
            if self.columns.has_plain_key
            else None
        )


class Delete(Conditional):
    """A DELETE of the rows that a query finds."""

    def find_changes(
        self, table: Table, returned: Any, returning: Iterable[Any] | None
    ) -> list[Change]:
        """Return one change."""
        return [Change(table, Operation.DELETE, self._keys, old=self._old, rows=self.rows)]


class Update(Conditional):
    """An UPDATE of the rows that a query finds."""

    def __init__(self, compiler: Any, where: Equalities | None = None) -> None:
        super().__init__(compiler, where)
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


def find_alias(query: Any) -> str | None:
    """Return what a query calls its own table, None before it calls it anything."""
    # `base_table` would keep that there is none.
    return next(iter(query.alias_map), None)


def look_ahead(compiler: Any) -> Equalities:
    """Return what is certain of a query before its statement is made, which may replace it."""
    query = compiler.query
    if isinstance(compiler, SQLInsertCompiler) or not query.where.children:
        return {}
    return find_equalities(query.where, find_alias(query), compiler.connection.vendor)


def describe(compiler: Any, before: Equalities) -> Statement:
    """Return what the statements change that a compiler has made.

    Args:
        compiler: The compiler.
        before: What `look_ahead` gave.
    """
    if isinstance(compiler, SQLInsertCompiler):
        return Insert(compiler)
    if isinstance(compiler, SQLDeleteCompiler):
        return Delete(compiler, before)
    assert isinstance(compiler, SQLUpdateCompiler)
    return Update(compiler, before)
