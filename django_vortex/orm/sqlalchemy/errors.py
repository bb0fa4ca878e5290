"""What a database says against a row, without what it must not say.

Takes an error of SQLAlchemy, gives a `RefusedByDatabase` with the field that is at fault if the
driver names it. Texts of databases stay here: they show values, names of tables and of columns that
no peer may see.

What a type of the application's raises (``TypeDecorator.process_bind_param``) says nothing of the
peer, unless it is an error that is meant for it.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from django_vortex.exceptions import HandlerError
from django_vortex.orm.driver_errors import (
    CHECK,
    NULL,
    REFERENCE,
    STILL_NEEDED,
    TEXTS,
    Refusal,
    get_raiser,
    read_refusal,
    read_state,
)
from django_vortex.orm.sqlalchemy.models import MappedModel
from django_vortex.orm.store import RefusedByDatabase

_REFUSING_STATES = ("22", "23", "54", "P0001")
"""SQLSTATEs that concern a row and not the connection: data, constraints, limits, and triggers."""


@contextmanager
def refusals(mapped: MappedModel, *, is_delete: bool = False) -> Iterator[None]:
    """Turn what a database says against a row into `RefusedByDatabase`.

    Args:
        mapped: The model of the row.
        is_delete: Whether it is deleted.
    """
    try:
        yield
    except OverflowError as error:
        if not _is_of_driver(error):
            raise
        # Of sqlite3, before the database is asked.
        raise RefusedByDatabase("A number is too large") from error
    except StatementError as error:
        if isinstance(error.orig, HandlerError):  # of a type that refuses a value on purpose
            raise error.orig from error
        if not _concerns_a_row(error) or (not is_delete and _is_of_others(error, mapped)):
            raise
        raise explain(error, mapped, is_delete=is_delete) from error


def is_of_sqlalchemy(error: BaseException) -> bool:
    """Return whether SQLAlchemy itself has raised an error, and nothing that it has called."""
    return get_raiser(error).startswith("sqlalchemy.")


def is_of_engine(error: BaseException) -> bool:
    """Return whether an error comes from a connection of SQLAlchemy or the making of one."""
    return any(
        name.startswith(("sqlalchemy.engine", "sqlalchemy.pool")) for name in _find_frames(error)
    )


def may_be_late(error: BaseException) -> TypeGuard[IntegrityError]:
    """Return whether a database may look at a broken rule as late as the commit.

    What it looks at when it is written has been told of rows by then: it is of what a hook has left
    to be written.
    """
    if not isinstance(error, IntegrityError):
        return False
    return read_refusal(error.orig).kind not in (NULL, CHECK)


def _is_of_others(error: StatementError, mapped: MappedModel) -> bool:
    """Tell that a rule of another table was broken, by a value that no peer has sent.

    A hook has added an instance, say, that is written with the row.
    """
    refusal = read_refusal(error.orig, is_integrity=isinstance(error, IntegrityError))
    if not refusal.table or refusal.kind == REFERENCE:  # of rows that refer to the one that changes
        return False
    mappers = list(mapped.mapper.self_and_descendants)
    tables: set[Any] = {table for one in mappers for table in one.tables}
    tables |= {relation.secondary for one in mappers for relation in one.relationships}
    if refusal.table in {getattr(table, "name", "") for table in tables}:
        return False
    catalogues = {table.metadata for table in tables if isinstance(table, Table)}
    known = {table.name for catalogue in catalogues for table in catalogue.tables.values()}
    return refusal.table in known  # a partition, say, is in no metadata


def _is_of_driver(error: BaseException) -> bool:
    """Return whether an error comes from the execution of a statement."""
    return get_raiser(error).startswith(("sqlalchemy.engine", "aiosqlite."))


def _find_frames(error: BaseException) -> list[str]:
    """Return the names of the modules that an error has come through, the innermost last."""
    frames = traceback.walk_tb(error.__traceback__)
    return [str(frame.f_globals.get("__name__", "")) for frame, _ in frames]


def explain(
    error: StatementError, mapped: MappedModel | None = None, *, is_delete: bool = False
) -> RefusedByDatabase:
    """Return what a peer may know of a refusal."""
    refusal = read_refusal(error.orig, is_integrity=isinstance(error, IntegrityError))
    if is_delete and refusal.kind in (REFERENCE, NULL):  # NULL: of rows that lose theirs
        return RefusedByDatabase(STILL_NEEDED)
    fields = [] if mapped is None else _fields(refusal, mapped)
    return RefusedByDatabase(
        TEXTS.get(refusal.kind, ""),
        fields[0] if len(fields) == 1 else "",
        refusal.columns,
        refusal.values,
    )


def _concerns_a_row(error: StatementError) -> bool:
    """Return whether a row was refused, by no failure of the database or of the program."""
    if isinstance(error, (IntegrityError, DataError)):
        return True
    if not isinstance(error, DBAPIError):  # a type could not make a parameter of a value
        kinds = (ValueError, TypeError, LookupError, ArithmeticError)
        return isinstance(error.orig, kinds) and _is_own(error.orig)
    if read_state(error.orig).startswith(_REFUSING_STATES):
        return True
    told = getattr(error.orig, "__cause__", None)  # by asyncpg's own checks
    return isinstance(told, ValueError) and _is_own(told.__cause__)


def _is_own(error: BaseException | None) -> bool:
    """Return whether SQLAlchemy or the driver raised an error, and no type of the application's."""
    return error is None or get_raiser(error).partition(".")[0] in ("sqlalchemy", "asyncpg", "")


def _fields(refusal: Refusal, mapped: MappedModel) -> list[str]:
    """Return the fields at fault, as far as the driver tells."""
    by_column = {
        column.column.name: name
        for name, column in mapped.columns.items()
        if getattr(column.column, "name", None)
    }
    names = _constrained(refusal.constraint, mapped)
    tables = {getattr(table, "name", "") for table in mapped.mapper.tables}
    if not names and (refusal.table in tables or not refusal.table):
        names = list(refusal.names)
    return [by_column[name] for name in names if name in by_column]


def _constrained(name: str, mapped: MappedModel) -> list[str]:
    """Return the columns of a constraint or unique index, named or with PostgreSQL's own name."""
    for table in mapped.mapper.tables if name else ():
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
