"""Which Django rows exist for a request, those inside of others too.

Takes a shape and a scope, gives querysets.
"""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldError
from django.db import models

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.django.conditions import filter_rows
from django_vortex.orm.guarded_rows import NO_ROWS, waiting_name
from django_vortex.orm.store import Scope, Shape


def narrow(shape: Shape, scope: Scope, using: str, *, is_nested: bool = False) -> Any:
    """Give the queryset of the rows in a scope.

    Args:
        shape: What is read of each.
        scope: Which there are.
        using: The alias of the database.
        is_nested: Whether they are related rows, among which are those that only the base manager
            knows.

    Raises:
        DefinitionError: What the application gave as its rows cannot be that.
    """
    queryset, model = scope.queryset, shape.spec.model
    if queryset is None:
        queryset = (model._base_manager if is_nested else model._default_manager).all()
    if not isinstance(queryset, models.QuerySet) or not issubclass(queryset.model, model):
        raise DefinitionError(
            f"get_queryset has to give a queryset of {shape.spec.label}, got {queryset!r}"
        )
    if queryset.query.is_sliced:
        raise DefinitionError(f"The queryset of {shape.spec.label} must not be sliced")
    try:
        return filter_rows(queryset.using(using), scope.condition)
    except FieldError as error:
        raise DefinitionError(f"Scope of {shape.spec.label}: {error}") from error


def find_prefetches(shape: Shape, scope: Scope, using: str) -> Iterator[Any]:
    """Give what loads the related rows of a shape, with one statement per relation."""
    model = shape.spec.model
    for name in shape.names:
        if shape.spec.fields[name].is_many:
            target = model._meta.get_field(name).remote_field.model
            yield models.Prefetch(name, target._base_manager.using(using).only("pk"))
    for name, inner in shape.nested.items():
        is_guarded = name in shape.guarded
        inside = scope.nested.get(name, NO_ROWS) if is_guarded else Scope()
        queryset = narrow(inner, inside, using, is_nested=True)
        queryset = queryset.prefetch_related(*find_prefetches(inner, inside, using))
        yield models.Prefetch(name, queryset, to_attr=waiting_name(name) if is_guarded else None)
