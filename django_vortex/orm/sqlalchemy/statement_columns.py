"""Which columns a compiled INSERT, UPDATE or DELETE writes, and from what: `plan_main_write`.

Takes what SQLAlchemy has compiled, gives a `MainWrite`, or None where the statement is of another
kind than is understood here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import BindParameter, Column, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import Delete, Insert, Update

from django_vortex.live.changes import Operation
from django_vortex.orm.sqlalchemy.equalities import FitOf, find_equalities
from django_vortex.orm.sqlalchemy.exact_values import Fit, find_fit, find_key_fit, is_untyped
from django_vortex.orm.sqlalchemy.main_writes import MainWrite

_WRITE_ONE_TABLE: Final = frozenset({"postgresql", "sqlite"})
"""Databases in which a statement writes no table but its own."""


def plan_main_write(compiled: Any, dialect: Dialect) -> MainWrite | None:
    """Return what is known of a compiled statement."""
    state = getattr(compiled, "compile_state", None)
    statement = getattr(state, "statement", None)
    if not isinstance(statement, Insert | Update | Delete) or not isinstance(
        statement.table, Table
    ):
        return None
    table = statement.table
    if isinstance(statement, Insert):
        return _plan_insert(compiled, state, table, dialect)
    if dialect.name not in _WRITE_ONE_TABLE and getattr(state, "is_multitable", True):
        return None
    columns = None
    values: Mapping[str, tuple[str, Fit]] = {}
    if isinstance(statement, Update):
        columns = _find_written(compiled, state, table)
        values = _find_values(compiled, state, table.columns, find_fit)
    keys = _find_key_fits(table, dialect)
    if isinstance(statement, Update) and (columns is None or not columns.isdisjoint(keys or ())):
        keys = None  # of rows whose key is written, two would be meant

    def fit_key(column_type: Any) -> Fit | None:
        return find_key_fit(column_type, dialect)

    def is_own(column: Column[Any]) -> bool:
        return bool(table.c.contains_column(column))

    def is_key(column: Column[Any]) -> bool:
        return is_own(column) and column.name in (keys or ())

    clauses = [] if statement.whereclause is None else [statement.whereclause]
    return MainWrite(
        name=str(table.name),
        operation=Operation.UPDATE if isinstance(statement, Update) else Operation.DELETE,
        columns=columns,
        values=values,
        keys=keys,
        key_values={},
        comparisons=tuple(find_equalities(clauses, is_own, compiled.bind_names)),
        key_comparisons=tuple(find_equalities(clauses, is_key, compiled.bind_names, fit_key)),
        is_counted=False,
        is_paired=False,
    )


def _plan_insert(compiled: Any, state: Any, table: Table, dialect: Dialect) -> MainWrite:
    statement = state.statement
    # ON CONFLICT, INSERT OR REPLACE, IGNORE: rows are changed, or deleted, that are not named.
    is_plain = statement._post_values_clause is None and not statement._prefixes
    is_one_row = statement.select is None and not getattr(state, "_has_multi_parameters", True)
    is_known = is_plain and is_one_row

    def fit_key(column_type: Any) -> Fit | None:
        return find_key_fit(column_type, dialect)

    keys = table.primary_key.columns
    return MainWrite(
        name=str(table.name),
        operation=Operation.INSERT if is_plain else Operation.ANY,
        columns=None,
        values=_find_values(compiled, state, table.columns, find_fit) if is_known else {},
        keys=_find_key_fits(table, dialect) if is_known else None,
        key_values=_find_values(compiled, state, keys, fit_key) if is_known else {},
        comparisons=(),
        key_comparisons=(),
        is_counted=is_one_row,
        is_paired=bool(getattr(statement, "_sort_by_parameter_order", False)),
    )


def _find_key_fits(table: Table, dialect: Dialect) -> Mapping[str, Fit] | None:
    fits = {str(one.name): find_key_fit(one.type, dialect) for one in table.primary_key.columns}
    found = {name: fit for name, fit in fits.items() if fit is not None}
    return found if found and len(found) == len(fits) else None


def _find_written(compiled: Any, state: Any, table: Table) -> frozenset[str] | None:
    """Return the columns that an UPDATE writes, or the database along with it."""
    written = {
        *compiled.update_prefetch,
        *compiled.postfetch,
        *(one for one in table.c if _follows_others(one)),
    }
    named = state._dict_parameters or {}
    for one in named:
        column = table.c.get(one) if isinstance(one, str) else one
        if column is None or not table.c.contains_column(column):
            return None
        written.add(column)
    # Beside columns these are the parameters of WHERE.
    written.update(table.c[key] for key in compiled.column_keys or () if key in table.c)
    if not named and compiled.column_keys is None:
        return None  # all columns, by parameters
    return frozenset(str(one.name) for one in written if table.c.contains_column(one))


def _follows_others(column: Column[Any]) -> bool:
    """Return whether a column may change with any update of its row."""
    rules = (column.onupdate, column.server_onupdate, column.computed)
    return any(one is not None for one in rules)


def _find_values(
    compiled: Any, state: Any, columns: Iterable[Column[Any]], fit_of: FitOf
) -> dict[str, tuple[str, Fit]]:
    """Return by column the parameter that it is set to."""
    found = {}
    named = {
        (one if isinstance(one, str) else one.key): value
        for one, value in (state._dict_parameters or {}).items()
    }
    filled = {one.key for one in (*compiled.insert_prefetch, *compiled.update_prefetch)}
    by_parameters = {*(compiled.column_keys or ()), *filled}
    takes_all = not named and compiled.column_keys is None
    for column in columns:
        fit = fit_of(column.type)
        name: str | None = None
        if column.key in named:
            name = _find_parameter(named[column.key], column, fit, fit_of, compiled)
        elif takes_all or column.key in by_parameters:
            name = column.key
        if fit is not None and name in compiled.binds:
            found[str(column.name)] = (str(name), fit)
    return found


def _find_parameter(
    value: Any, column: Column[Any], fit: Fit | None, fit_of: FitOf, compiled: Any
) -> str | None:
    """Return the parameter of what a statement sets a column to, None if it is an expression."""
    if not isinstance(value, BindParameter):
        is_expression = hasattr(value, "__clause_element__") or hasattr(value, "compare")
        return None if is_expression else column.key
    if fit_of(value.type) is not fit and not is_untyped(value.type):
        return None
    return compiled.bind_names.get(value) or (column.key if value.unique else value.key)
