"""What is unique in tables of SQLAlchemy, as far as an order of writing depends on it."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Index, Table, UniqueConstraint
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    False_,
    Null,
    True_,
)
from sqlalchemy.sql.visitors import iterate

from django_vortex.orm.conditions import Comparison, Condition, Native, all_of
from django_vortex.orm.uniqueness import Unique


def find_unique_columns(mapper: Mapper[Any]) -> Iterator[Unique]:
    """Yield all that the database keeps unique at each statement, apart from keys."""
    for table in mapper.tables:
        if not isinstance(table, Table):
            continue
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint) and not _is_late(constraint):
                yield from _describe(mapper, constraint.columns, None)
        for index in table.indexes:
            if index.unique:
                yield from _describe(mapper, _columns_of(index.expressions), _where(index))


def _is_late(constraint: UniqueConstraint) -> bool:
    return bool(constraint.deferrable) and (constraint.initially or "").upper() == "DEFERRED"


def _where(index: Index) -> Any:
    options = (index.dialect_options[name] for name in ("postgresql", "sqlite"))
    return next((where for one in options if (where := one.get("where")) is not None), None)


def _describe(mapper: Mapper[Any], columns: Iterable[Any], where: Any) -> Iterator[Unique]:
    names = _names(mapper, columns)
    if not names or None in names:
        return
    if where is None:
        yield Unique(tuple(str(name) for name in names))
        return
    used = [name for name in _names(mapper, _columns_of([where])) if name is not None]
    yield Unique(tuple(str(name) for name in names), _to_condition(mapper, where), tuple(used))


def _columns_of(expressions: Iterable[Any]) -> list[Any]:
    found = [part for one in expressions for part in iterate(one) if isinstance(part, Column)]
    return list(dict.fromkeys(found))


def _names(mapper: Mapper[Any], columns: Iterable[Any]) -> list[str | None]:
    """Return the attributes of columns, None for one that is not mapped or cannot travel."""
    found: list[str | None] = []
    for column in columns:
        try:
            key = mapper.get_property_by_column(column).key
        except UnmappedColumnError:
            key = "_"
        found.append(None if key.startswith("_") else key)
    return found


def _to_condition(mapper: Mapper[Any], where: Any) -> Condition:
    match where:
        case BooleanClauseList() if where.operator is operators.and_:
            return all_of(_to_condition(mapper, one) for one in where.clauses) or Native(where)
        case BinaryExpression(left=Column() as column, right=right):
            value = _constant(right)
            if where.operator in (operators.eq, operators.is_) and value is not _UNKNOWN:
                return _compare(mapper, column, value) or Native(where)
            if where.operator is operators.is_not and value is None:
                return _compare(mapper, column, False, "isnull") or Native(where)
        case AsBoolean(element=Column() as column):
            is_true = where.operator is operators.is_true
            return _compare(mapper, column, is_true) or Native(where)
        case Column():
            return _compare(mapper, where, True) or Native(where)
    return Native(where)


def _compare(
    mapper: Mapper[Any], column: Any, value: Any, lookup: str = "exact"
) -> Condition | None:
    [name] = _names(mapper, [column])
    return None if name is None else Comparison(name, lookup, value)


_UNKNOWN = object()


def _constant(part: Any) -> Any:
    match part:
        case BindParameter():
            return part.value
        case True_():
            return True
        case False_():
            return False
        case Null():
            return None
    return _UNKNOWN
