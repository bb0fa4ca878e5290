"""The rows of a Django model."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import FieldError
from django.db import models, router, transaction
from django.db.models.query import ModelIterable

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import Condition
from django_vortex.orm.django.conditions import filter_rows
from django_vortex.orm.django.shapes import check_queryset, each_once, may_repeat, unordered, whole


class DjangoRows:
    """Lists rows of one model."""

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model

    def get_all(self) -> models.QuerySet[Any]:
        """Give the queryset of all rows, through the model's default manager."""
        return self._model._default_manager.all()

    def fetch(
        self,
        queryset: Any,
        names: Sequence[str] = (),
        condition: Condition | None = None,
    ) -> list[Any]:
        """List those rows of a queryset that meet a condition, asking the database each time.

        Each row comes once.

        Args:
            queryset: The rows.
            names: The columns that travel. Where ``only()`` or ``defer()`` leaves out one of them,
                they are loaded all the same: one by one they would take a query for each row.
            condition: What a permission lets through.

        Raises:
            DefinitionError: Such a queryset has no rows of the model, or no such field.
        """
        found = unordered(whole(check_queryset(queryset, self._model).all()))
        is_narrowed = found.query.deferred_loading != (frozenset(), True)
        has_instances = found._iterable_class is ModelIterable
        is_whole = found.query.select_related is False and not found.query.combinator
        if names and is_narrowed and has_instances and is_whole:
            found = found.defer(None).only(*names)
        if condition is not None:
            try:
                found = filter_rows(each_once(found, found.db), condition)
            except FieldError as error:
                raise DefinitionError(f"Scope of {self._model._meta.label}: {error}") from error
        rows: list[Any] = list(found)
        return list({row.pk: row for row in rows}.values()) if may_repeat(found) else rows

    def call_after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction on the model's database has committed."""
        using = router.db_for_write(self._model)
        transaction.on_commit(function, using=using)
