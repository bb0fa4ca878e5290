"""Conditions and orders as Django wants them.

Takes `Condition` and `Order`, gives ``Q`` objects and expressions.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, Q, QuerySet

from django_vortex.orm.conditions import AllOf, AnyOf, Comparison, Condition, Native, Not
from django_vortex.orm.store import Order


def to_q(condition: Condition) -> Q:
    """Give the ``Q`` of a condition."""
    match condition:
        case Comparison(field, "exact", None):
            return Q(**{f"{field}__isnull": True})
        case Comparison(field, lookup, value):
            return Q(**{f"{field}__{lookup}": value})
        case AllOf(conditions):
            joined = Q()
            for one in conditions:
                joined &= to_q(one)
            return joined
        case AnyOf(conditions):
            joined = Q(pk__in=[])
            for one in conditions:
                joined |= to_q(one)
            return joined
        case Not(inner):
            return ~to_q(inner)
        case Native(expression):
            return expression if isinstance(expression, Q) else Q(expression)


def filter_rows(queryset: QuerySet[Any], condition: Condition | None) -> QuerySet[Any]:
    """Narrow a queryset down without giving any row twice."""
    if condition is None:
        return queryset
    if not _may_join(condition):
        return queryset.filter(to_q(condition))
    keys = queryset.model._base_manager.using(queryset.db).filter(to_q(condition)).values("pk")
    return queryset.filter(pk__in=keys)


def to_ordering(orders: Iterable[Order]) -> list[Any]:
    """Give what ``order_by`` takes; NULL is the greatest value on every database."""
    return [_to_expression(order) for order in orders]


def _to_expression(order: Order) -> Any:
    if not order.is_nullable:
        return f"-{order.name}" if order.is_descending else order.name
    field = F(order.name)
    return field.desc(nulls_first=True) if order.is_descending else field.asc(nulls_last=True)


def _may_join(condition: Condition) -> bool:
    """Say whether a condition may look at several related rows of one."""
    match condition:
        case Comparison(field):
            return "__" in field
        case AllOf(conditions) | AnyOf(conditions):
            return any(_may_join(one) for one in conditions)
        case Not(inner):
            return _may_join(inner)
    return True
