"""The rows of a Django model."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import FieldError
from django.db import models, router, transaction
from django.db.models.query import ModelIterable

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import Condition
from django_vortex.orm.django.conditions import filter_rows


class DjangoRows:
    """Lists rows of one model."""

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model

    def get_all(self) -> models.QuerySet[Any]:
        """Give the queryset of all rows, through the model's default manager."""
        return self._model._default_manager.all()

    def fetch(
        self,
        queryset: models.QuerySet[Any],
        names: Sequence[str] = (),
        condition: Condition | None = None,
    ) -> list[Any]:
        """List those rows of a queryset that meet a condition, asking the database each time.

        Args:
            queryset: The rows.
            names: The columns that travel. Where ``only()`` or ``defer()`` leaves out one of them,
                they are loaded all the same: one by one they would take a query for each row.
            condition: What a permission lets through.

        Raises:
            DefinitionError: Such a queryset, or such a field, cannot be narrowed down.
        """
        is_narrowed = queryset.query.deferred_loading != (frozenset(), True)
        has_instances = queryset._iterable_class is ModelIterable
        if names and is_narrowed and has_instances and queryset.query.select_related is False:
            queryset = queryset.defer(None).only(*names)
        if condition is None:
            return list(queryset.all())
        label = self._model._meta.label
        if queryset.query.is_sliced or queryset.query.combinator:
            raise DefinitionError(
                f"A permission narrows the rows of {label} down, so their queryset must neither be "
                "sliced nor a union"
            )
        try:
            return list(filter_rows(queryset.all(), condition))
        except FieldError as error:
            raise DefinitionError(f"Scope of {label}: {error}") from error

    def call_after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction on the model's database has committed."""
        using = router.db_for_write(self._model)
        transaction.on_commit(function, using=using)
