"""What a database says against a row, without what it must not say.

Takes an error of SQLAlchemy, gives a `RefusedByDatabase` with the field that is at fault if the
driver names it. Texts of databases stay here: they show values, names of tables and of columns that
no peer may see.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from django_vortex.orm.sqlalchemy.models import MappedModel
from django_vortex.orm.store import RefusedByDatabase

_UNIQUE, _REFERENCE, _NULL, _CHECK = "unique", "reference", "null", "check"

_KINDS = {
    "23505": _UNIQUE,
    "23P01": _UNIQUE,  # an exclusion constraint
    "23503": _REFERENCE,
    "23001": _REFERENCE,
    "23502": _NULL,
    "23514": _CHECK,
    "SQLITE_CONSTRAINT_UNIQUE": _UNIQUE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": _UNIQUE,
    "SQLITE_CONSTRAINT_ROWID": _UNIQUE,
    "SQLITE_CONSTRAINT_FOREIGNKEY": _REFERENCE,
    "SQLITE_CONSTRAINT_NOTNULL": _NULL,
    "SQLITE_CONSTRAINT_CHECK": _CHECK,
}
"""By what PostgreSQL and SQLite call it."""

_WORDS = {"unique": _UNIQUE, "duplicate": _UNIQUE, "foreign key": _REFERENCE, "null": _NULL}
"""What is looked for in the texts of other databases."""

_REFUSING_STATES = ("22", "23", "P0001")
"""SQLSTATEs that concern a row and not the connection: data, constraints, and what triggers say."""

_SQLITE_COLUMN = re.compile(r"\b\w+\.(\w+)")

TEXTS = {
    _UNIQUE: "Another row has this already",
    _REFERENCE: "There is no such row",
    _NULL: "A value is needed",
    _CHECK: "The database does not allow this value",
}

STILL_NEEDED = "Other rows need it"


@contextmanager
def refusals(mapped: MappedModel, *, is_delete: bool = False) -> Iterator[None]:
    """Turn what a database says against a row into `RefusedByDatabase`.

    Args:
        mapped: The model of the row.
        is_delete: Whether it is deleted.
    """
    try:
        yield
    except OverflowError as error:  # of sqlite3, before the database is asked
        raise RefusedByDatabase("A number is too large") from error
    except StatementError as error:
        if not _concerns_a_row(error):
            raise
        raise explain(error, mapped, is_delete=is_delete) from error


def explain(
    error: StatementError, mapped: MappedModel | None = None, *, is_delete: bool = False
) -> RefusedByDatabase:
    """Say what a peer may know of a refusal."""
    kind = _kind(error)
    if is_delete and kind in (_REFERENCE, _NULL):  # NULL: of rows that lose what they refer to
        return RefusedByDatabase(STILL_NEEDED)
    fields = [] if mapped is None else _fields(error, mapped)
    return RefusedByDatabase(TEXTS.get(kind, ""), fields[0] if len(fields) == 1 else "")


def _concerns_a_row(error: StatementError) -> bool:
    """Tell a refusal from a failure of the database or of the program."""
    if isinstance(error, (IntegrityError, DataError)):
        return True
    if not isinstance(error, DBAPIError):  # a type could not make a parameter of a value
        return isinstance(error.orig, (ValueError, TypeError, LookupError, ArithmeticError))
    if _state(error.orig).startswith(_REFUSING_STATES):
        return True
    return isinstance(getattr(error.orig, "__cause__", None), ValueError)  # asyncpg's own checks


def _kind(error: StatementError) -> str:
    orig = error.orig
    named = _KINDS.get(_state(orig)) or _KINDS.get(getattr(orig, "sqlite_errorname", ""))
    if named is not None or not isinstance(error, IntegrityError):
        return named or ""
    text = str(orig).lower()
    return next((kind for word, kind in _WORDS.items() if word in text), "")


def _state(orig: Any) -> str:
    """Give the SQLSTATE, which drivers have under different names."""
    return str(getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or "")


def _fields(error: StatementError, mapped: MappedModel) -> list[str]:
    """Give the fields at fault, as far as the driver tells."""
    by_column = {
        column.column.name: name
        for name, column in mapped.columns.items()
        if getattr(column.column, "name", None)
    }
    return [by_column[name] for name in _columns(error, mapped) if name in by_column]


def _columns(error: StatementError, mapped: MappedModel) -> Iterable[str]:
    orig: Any = error.orig
    if hasattr(orig, "sqlite_errorname"):
        return _SQLITE_COLUMN.findall(str(orig))
    told = getattr(orig, "diag", None) or getattr(orig, "__cause__", None)
    column = getattr(told, "column_name", None)
    if column:
        return [column]
    return _constrained(getattr(told, "constraint_name", None) or "", mapped)


def _constrained(name: str, mapped: MappedModel) -> list[str]:
    """Give the columns of a constraint or unique index, named or with PostgreSQL's own name."""
    for table in mapped.mapper.tables:
        if not isinstance(table, Table):
            continue
        constraints: list[Any] = [*table.constraints, *table.indexes]
        for constraint in constraints:
            columns = [column.name for column in getattr(constraint, "columns", ())]
            if name in (constraint.name, *_default_names(table.name, columns, constraint)):
                return columns
        for column in table.columns:
            if name == f"{table.name}_{column.name}_fkey":
                return [column.name]
    return []


def _default_names(table: str, columns: list[str], constraint: Any) -> list[str]:
    if isinstance(constraint, UniqueConstraint):
        return ["_".join([table, *columns, "key"])]
    return [f"{table}_pkey"] if constraint.__visit_name__ == "primary_key_constraint" else []
