"""Conditions and orders as Django wants them.

Takes `Condition` and `Order`, gives ``Q`` objects and expressions.
"""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import F, Model, Q, QuerySet

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
from django_vortex.orm.django.files import is_file, to_name
from django_vortex.orm.django.places import compare_stored
from django_vortex.orm.django.ranges import compare_read
from django_vortex.orm.django.refusals import is_of_django
from django_vortex.orm.django.values import to_model_value
from django_vortex.orm.store import Order, RefusedByDatabase

_WITH_VALUES = frozenset({"exact", "in", "lt", "lte", "gt", "gte", "range"})
"""Look-ups that compare with values of the field itself."""


def to_q(condition: Condition, model: type[Model], connection: Any) -> Q:
    """Return the ``Q`` of a condition on a model, for a database.

    Raises:
        ValidationError: Of Django's: a field has no such values.
    """
    match condition:
        case Comparison(field, "exact", None):
            return Q(**{f"{field}__isnull": True})
        case Comparison(field, lookup, Stored() as stored):
            return compare_stored(field, lookup, stored)
        case Comparison(field, "range", (low, high)):  # which foreign keys do not have
            return to_q(Comparison(field, "gte", low), model, connection) & to_q(
                Comparison(field, "lte", high), model, connection
            )
        case Comparison(name, lookup, value):
            field = _get_field(model, name)
            if field is None or lookup not in _WITH_VALUES:
                return Q(**{f"{name}__{lookup}": value})
            operand = _to_operand(field, lookup, value)
            compared = compare_read(field, lookup, operand, connection)
            return Q(**{f"{name}__{lookup}": operand}) if compared is None else compared
        case AllOf(conditions):
            joined = Q()
            for one in conditions:
                joined &= to_q(one, model, connection)
            return joined
        case AnyOf(conditions):
            joined = Q(pk__in=[])
            for one in conditions:
                joined |= to_q(one, model, connection)
            return joined
        case Not(inner):
            return ~to_q(inner, model, connection)
        case Native(expression):
            return expression if isinstance(expression, Q) else Q(expression)


def filter_rows(queryset: QuerySet[Any], condition: Condition | None) -> QuerySet[Any]:
    """Narrow a queryset down without giving any row twice.

    Raises:
        RefusedByDatabase: A field has no such values.
    """
    if condition is None:
        return queryset
    try:
        wanted = to_q(condition, queryset.model, connections[queryset.db])
    except ValidationError as error:
        raise RefusedByDatabase(" ".join(error.messages)) from error
    if not _may_join(condition):
        return queryset.filter(wanted)
    keys = queryset.model._base_manager.using(queryset.db).filter(wanted).values("pk")
    return queryset.filter(pk__in=keys)


def check_operands(condition: Condition | None, model: type[Model], connection: Any) -> None:
    """Look for values of a peer that a field makes nothing of, before a query is made of them.

    Raises:
        UnfitOperand: There is one.
    """
    match condition:
        case AllOf(conditions) | AnyOf(conditions):
            for one in conditions:
                check_operands(one, model, connection)
        case Comparison(name, lookup, value) if lookup in _WITH_VALUES:
            field = _get_field(model, name)
            if field is None or isinstance(value, Stored):
                return
            try:
                for item in value if lookup in ("in", "range") else [value]:
                    field.get_db_prep_value(to_model_value(field, item), connection)
            except (ValueError, TypeError, ArithmeticError, ValidationError) as error:
                if not isinstance(error, ValidationError) and not is_of_django(error, connection):
                    raise  # of a field of the application's, which blames nobody
                raise UnfitOperand(condition, "A value that the field does not have") from error


def to_ordering(orders: Iterable[Order]) -> list[Any]:
    """Return what ``order_by`` takes; NULL is the greatest value on every database."""
    return [_to_expression(order) for order in orders]


def _get_field(model: type[Model], name: str) -> Any:
    fields = model._meta.concrete_fields
    return next((one for one in fields if name in (one.name, one.attname)), None)


def _to_operand(field: Any, lookup: str, value: Any) -> Any:
    """Return what is compared with as the field has it: datetimes with or without zone."""
    if lookup in ("in", "range") and isinstance(value, list | tuple):
        return [_to_compared(field, item) for item in value]
    return _to_compared(field, value)


def _to_compared(field: Any, value: Any) -> Any:
    if is_file(field) and isinstance(value, str):
        return to_name(field, value)
    return to_model_value(field, value)


def _to_expression(order: Order) -> Any:
    if not order.is_nullable:
        return f"-{order.name}" if order.is_descending else order.name
    field = F(order.name)
    return field.desc(nulls_first=True) if order.is_descending else field.asc(nulls_last=True)


def _may_join(condition: Condition) -> bool:
    """Return whether a condition may look at several related rows of one."""
    match condition:
        case Comparison(field):
            return "__" in field
        case AllOf(conditions) | AnyOf(conditions):
            return any(_may_join(one) for one in conditions)
        case Not(inner):
            return _may_join(inner)
    return True
