"""What is unique in a Django model, as far as an order of writing depends on it."""

from collections.abc import Iterator
from typing import Any

from django.db import models

from django_vortex.orm.conditions import (
    Condition,
    Native,
    all_of,
    any_of,
    none_of,
    to_comparison,
)
from django_vortex.orm.uniqueness import Unique


def find_unique_fields(model: type[models.Model]) -> Iterator[Unique]:
    """Yield all that the database keeps unique at each statement, apart from keys."""
    for owner in (model, *model._meta.all_parents):
        for field in owner._meta.local_fields:
            if field.unique and not field.primary_key:
                yield Unique((field.attname,))
        for together in owner._meta.unique_together:
            yield Unique(_attnames(owner, together))
        for constraint in owner._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint):
                yield from _describe(constraint, owner)


def _describe(constraint: Any, owner: type[models.Model]) -> Iterator[Unique]:
    if constraint.deferrable is models.Deferrable.DEFERRED:
        return
    names = list(constraint.fields)
    for expression in constraint.expressions:
        names += [part.name for part in _find_references(expression)]
    known = {field.name for field in owner._meta.concrete_fields}
    if not names or not known.issuperset(names):
        return
    condition = constraint.condition
    if condition is None:
        yield Unique(_attnames(owner, names))
        return
    used = known & condition.referenced_base_fields
    yield Unique(_attnames(owner, names), _to_condition(condition, owner), _attnames(owner, used))


def _to_condition(found: Any, owner: type[models.Model]) -> Condition:
    if not isinstance(found, models.Q):
        if not isinstance(found, tuple):
            return Native(found)
        one = to_comparison(*found)
        field = next((f for f in owner._meta.concrete_fields if f.name == one.field), None)
        if field is None or hasattr(one.value, "resolve_expression"):
            return Native(found)
        return type(one)(field.attname, one.lookup, one.value)
    parts = [_to_condition(child, owner) for child in found.children]
    joined = any_of(parts) if found.connector == models.Q.OR else all_of(parts)
    if joined is None or found.connector == models.Q.XOR:
        return Native(found)
    negated = none_of(joined) if found.negated else joined
    return Native(found) if negated is None else negated


def _find_references(expression: Any) -> Iterator[Any]:
    return (part for part in expression.flatten() if isinstance(part, models.F))


def _attnames(owner: Any, names: Any) -> tuple[str, ...]:
    return tuple(owner._meta.get_field(name).attname for name in names)
