"""Reading rows of a Django model in the shape that a handler asks for.

Takes a `Shape`, gives a `ShapeReader`: it makes values of instances, or reads a whole queryset by
``values_list``, which is several times faster. The latter it does only where the values are the
same: not for a model that does something when a row is loaded, nor for fields whose values a
descriptor makes, nor for querysets whose rows would be others without the instances.
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models
from django.db.models.query import ModelIterable
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init

from django_vortex.orm.django.kind import Convert
from django_vortex.orm.django.kinds import get_kind
from django_vortex.orm.django.models import is_overridden
from django_vortex.orm.django.values import make_reader
from django_vortex.orm.model_spec import Shape

_PLAIN_DESCRIPTORS = (DeferredAttribute, models.ForeignKey.descriptor_class)
"""What gives a value exactly as it was loaded."""

_MODEL_HOOKS = ("__new__", "__init__", "__setattr__", "from_db")

_QUERYSET_HOOKS = ("__iter__", "_fetch_all", "iterator", "values_list", "_values")


class ShapeReader:
    """Reads rows.

    Args:
        shape: What is read of each.

    Attributes:
        read: Gives the fields and nested relations of an instance by name.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.read = make_reader(shape)
        self._has_columns = not shape.nested and all(
            _is_plain(shape.spec.model, name) for name in shape.names
        )
        self._converts = list(_find_converts(shape)) if self._has_columns else []

    def read_columns(
        self, queryset: models.QuerySet[Any], more: Sequence[str] = ()
    ) -> Sequence[Sequence[Any]] | None:
        """Return the values of all rows, or None.

        Args:
            queryset: The rows.
            more: What follows the fields of the shape, which are in its order.
        """
        if not self._has_columns or _needs_instances(queryset):
            return None
        rows: list[Sequence[Any]] = list(
            queryset.prefetch_related(None).values_list(*self._shape.names, *more)
        )
        return [self._convert(row) for row in rows] if self._converts else rows

    def _convert(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for index, convert in self._converts:
            if values[index] is not None:
                values[index] = convert(values[index])
        return values


def _is_plain(model: type[models.Model], name: str) -> bool:
    descriptor = inspect.getattr_static(model, name, None)
    return type(descriptor) in _PLAIN_DESCRIPTORS


def _find_converts(shape: Shape) -> Iterator[tuple[int, Convert]]:
    fields = {field.attname: field for field in shape.spec.model._meta.concrete_fields}
    for index, name in enumerate(shape.names):
        to_wire = get_kind(fields[name]).to_wire
        if to_wire is not None:
            yield index, to_wire


def _needs_instances(queryset: models.QuerySet[Any]) -> bool:
    """Return whether loading an instance does something, or gives other rows than their columns."""
    model: type = queryset.model
    query = queryset.query
    return (
        is_overridden(model, models.Model, *_MODEL_HOOKS)
        or is_overridden(type(queryset), models.QuerySet, *_QUERYSET_HOOKS)
        or queryset._iterable_class is not ModelIterable
        # Receivers may be connected at any time, so they are looked for each time.
        or pre_init.has_listeners(model)
        or post_init.has_listeners(model)
        # What is selected decides here which rows there are, or which are locked.
        or bool(query.distinct or query.combinator or query.extra or query.select_for_update)
        or query.group_by is not None
        # Joins to a row that is not there, where a foreign key has no constraint, drop rows.
        or query.select_related is not False
    )
