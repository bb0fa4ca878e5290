"""Conditions and orders as SQLAlchemy understands them.

Takes a `Condition`, gives an expression for ``WHERE``. All values become bound parameters. What a
database would refuse to compare, such as a number that no column can hold, is answered here, as
mathematics answers it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Enum, String, Text, and_, bindparam, case, cast, false, func, or_, true
from sqlalchemy.orm import RelationshipProperty

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Native,
    Not,
    Stored,
    UnfitOperand,
)
from django_vortex.orm.sqlalchemy.column_values import UnfitValue, fit_text
from django_vortex.orm.sqlalchemy.models import MappedColumn, MappedModel, describe
from django_vortex.orm.sqlalchemy.places import compare_stored
from django_vortex.orm.sqlalchemy.ranges import compare_read
from django_vortex.orm.store import Order

_ORDERED: dict[str, Callable[[Any, Any], Any]] = {
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
}

_TEXT: dict[str, Callable[[Any, str], Any]] = {
    "contains": lambda column, value: column.contains(value, autoescape=True),
    "startswith": lambda column, value: column.startswith(value, autoescape=True),
    "endswith": lambda column, value: column.endswith(value, autoescape=True),
    "icontains": lambda column, value: column.icontains(value, autoescape=True),
    "istartswith": lambda column, value: column.istartswith(value, autoescape=True),
    "iendswith": lambda column, value: column.iendswith(value, autoescape=True),
    "iexact": lambda column, value: func.lower(column) == func.lower(value),
}

_SQLITE_TEXT: dict[str, Callable[[Any, str], Any]] = {
    **_TEXT,  # but LIKE does not tell upper from lower case there
    "contains": lambda column, value: func.instr(column, value) > 0,
    "startswith": lambda column, value: func.substr(column, 1, len(value)) == value,
    "endswith": lambda column, value: and_(
        func.length(column) >= len(value),
        func.substr(column, func.length(column) - len(value) + 1) == value,
    ),
}


def to_expression(condition: Condition, mapped: MappedModel, dialect: str) -> Any:
    """Return the expression of a condition.

    Args:
        condition: Which rows.
        mapped: The model whose fields are compared.
        dialect: The name of the database's dialect.

    Raises:
        DefinitionError: A field or look-up does not exist.
        UnfitOperand: The database cannot compare a field with such a value.
    """
    if isinstance(condition, Native):
        return condition.expression
    if isinstance(condition, Not):
        inner = to_expression(condition.condition, mapped, dialect)
        return case((inner, 1), else_=0) == 0  # unknown is not true
    if isinstance(condition, AllOf):
        return and_(true(), *(to_expression(one, mapped, dialect) for one in condition.conditions))
    if isinstance(condition, AnyOf):
        return or_(false(), *(to_expression(one, mapped, dialect) for one in condition.conditions))
    return _compare(condition, mapped, dialect)


def to_order(orders: Sequence[Order], mapped: MappedModel, dialect: str) -> list[Any]:
    """Return the expressions of an order, in which NULL is greater than every value."""
    expressions: list[Any] = []
    for order in orders:
        column = mapped.columns[order.name].attribute
        ordered = column.desc() if order.is_descending else column.asc()
        if order.is_nullable and dialect == "sqlite":
            ordered = ordered.nulls_first() if order.is_descending else ordered.nulls_last()
        elif order.is_nullable and dialect != "postgresql":  # which orders so itself
            nulls = case((column.is_(None), 1), else_=0)
            expressions.append(nulls.desc() if order.is_descending else nulls)
        expressions.append(ordered)
    return expressions


def _compare(comparison: Comparison, mapped: MappedModel, dialect: str) -> Any:
    found = mapped.columns.get(comparison.field)
    if found is not None:
        return _compare_column(found, comparison.lookup, comparison.value, dialect)
    name, _, rest = comparison.field.partition("__")
    relation = mapped.mapper.relationships.get(name)
    if relation is None or not rest:
        raise DefinitionError(f"{mapped.cls.__qualname__} has no field {comparison.field!r}")
    return _compare_related(mapped, relation, Comparison(rest, *_operation(comparison)), dialect)


def _operation(comparison: Comparison) -> tuple[str, Any]:
    return comparison.lookup, comparison.value


def _compare_related(
    mapped: MappedModel, relation: RelationshipProperty[Any], comparison: Comparison, dialect: str
) -> Any:
    inner = _compare(comparison, describe(relation.mapper.class_), dialect)
    attribute = getattr(mapped.cls, relation.key)
    return attribute.any(inner) if relation.uselist else attribute.has(inner)


def _compare_column(found: MappedColumn, lookup: str, value: Any, dialect: str) -> Any:
    column = found.attribute
    if isinstance(value, Stored):
        return compare_stored(column, lookup, value, dialect)
    if lookup == "isnull" or (lookup in ("exact", "iexact") and value is None):
        return column.is_(None) if value is None or value else column.is_not(None)
    if lookup == "in":
        fitting = _comparable(found, value, dialect)
        listed = compare_read(column, lookup, fitting, dialect)
        return column.in_(fitting) if listed is None else listed
    if lookup == "range":
        low, high = value
        return and_(
            _compare_column(found, "gte", low, dialect),
            _compare_column(found, "lte", high, dialect),
        )
    if lookup in _TEXT:
        return _compare_text(found, lookup, value, dialect)
    try:
        compared = found.values.to_compared(value, dialect)
    except UnfitValue as error:
        return _compare_unfit(found, lookup, value, error)
    ranged = compare_read(column, lookup, [compared], dialect)
    if ranged is not None:
        return ranged
    if isinstance(compared, bool):  # which is no operand to SQLAlchemy but by name
        compared = bindparam(None, compared, column.type)
    if lookup == "exact":
        return column == compared
    if lookup in _ORDERED:
        return _ORDERED[lookup](column, compared)
    raise DefinitionError(f"There is no look-up {lookup!r}")


def _comparable(found: MappedColumn, values: Sequence[Any], dialect: str) -> list[Any]:
    """Leave out what nothing stored can equal."""
    fitting = []
    for value in values:
        try:
            fitting.append(found.values.to_compared(value, dialect))
        except UnfitValue:
            continue
    return [value for value in fitting if value is not None]


def _compare_text(found: MappedColumn, lookup: str, value: str, dialect: str) -> Any:
    try:
        text = fit_text(value, dialect)
    except UnfitValue:
        return false()
    column = found.attribute
    if not isinstance(column.type, String) or isinstance(column.type, Enum):
        column = cast(column, Text)  # as the database writes it
    return (_SQLITE_TEXT if dialect == "sqlite" else _TEXT)[lookup](column, text)


def _compare_unfit(found: MappedColumn, lookup: str, value: Any, error: UnfitValue) -> Any:
    """Compare with what is beyond everything a column can hold."""
    if lookup == "exact":
        return false()
    if isinstance(value, int):
        is_met = lookup in (("lt", "lte") if value > 0 else ("gt", "gte"))
        return found.attribute.is_not(None) if is_met else false()
    raise UnfitOperand(Comparison(found.name, lookup, value), str(error)) from error
