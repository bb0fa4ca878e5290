"""The rows of a Django model."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import FieldError
from django.db import models, router, transaction

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
                it is loaded all the same, since each row would take a query for it; what does not
                travel stays deferred. Without names all are loaded.
            condition: What a permission lets through.

        Raises:
            DefinitionError: Such a queryset has no rows of the model, or no such field.
        """
        found = unordered(check_queryset(queryset, self._model).all())
        found.query.select_for_update = False  # of rows that are only read, outside a transaction
        found = _with_names(found, names) if condition is None else whole(found)
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


def _with_names(queryset: models.QuerySet[Any], names: Sequence[str]) -> models.QuerySet[Any]:
    """Return a queryset that defers what it deferred, except for these fields."""
    query = queryset.query
    fields, is_deferred = query.deferred_loading
    if not names or query.select_related is not False or query.combinator:
        return whole(queryset)
    if is_deferred:
        if not fields:
            return queryset
        return queryset.defer(None).defer(*(set(fields) - _name_both(queryset, names)))
    return queryset.only(*fields, *names)


def _name_both(queryset: models.QuerySet[Any], names: Sequence[str]) -> set[str]:
    """Return the names of fields, of foreign keys that with ``_id`` as well as that without."""
    fields = (one for one in queryset.model._meta.concrete_fields if one.attname in names)
    return {name for one in fields for name in (one.name, one.attname)}
