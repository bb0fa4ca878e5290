"""The rows of a Django model."""

from collections.abc import Callable
from typing import Any

from django.db import models, router, transaction


class DjangoRows:
    """Lists rows of one model."""

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model

    def get_all(self) -> models.QuerySet[Any]:
        """Give the queryset of all rows, through the model's default manager."""
        return self._model._default_manager.all()

    def fetch(self, queryset: models.QuerySet[Any]) -> list[Any]:
        """List a queryset, asking the database each time."""
        return list(queryset.all())

    def call_after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction on the model's database has committed."""
        using = router.db_for_write(self._model)
        transaction.on_commit(function, using=using)
