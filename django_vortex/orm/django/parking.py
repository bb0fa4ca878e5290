"""Giving up a unique value for a moment: Django rows."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connections, models
from django.utils import timezone

from django_vortex.orm.django.kinds import get_kind
from django_vortex.orm.parking import make_addresses, make_candidates


def park(row: models.Model, names: Iterable[str], using: str) -> bool:
    """Write another value into one of these fields of a stored row, past ``save`` and signals.

    Args:
        row: The instance; it keeps its values.
        names: Fields that change, by ``attname``.
        using: The alias of the database.

    Returns:
        Whether there was such a value.
    """
    fields = {field.attname: field for field in row._meta.concrete_fields}
    chosen = sorted((fields[name] for name in names), key=lambda field: not field.null)
    for field in chosen:
        rows = field.model._base_manager.using(using)
        for value in _find_free(field, rows, using):
            rows.filter(pk=row._get_pk_val(field.model._meta)).update(**{field.attname: value})
            return True
    return False


def _find_free(field: Any, rows: models.QuerySet[Any], using: str) -> list[Any]:
    if field.null:
        return [None]
    target = field.target_field if field.is_relation else field
    length, limit = getattr(target, "max_length", None), None
    if isinstance(target, models.IntegerField):
        _, high = connections[using].ops.integer_field_range(target.get_internal_type())
        limit = high
    elif isinstance(target, models.DecimalField):
        limit = 10 ** (target.max_digits - target.decimal_places)
    # No database knows of choices.
    made: list[Any] = make_candidates(get_kind(field).type, length=length, limit=limit)
    if isinstance(target, models.GenericIPAddressField):
        made = make_addresses(4 if target.protocol.lower() == "ipv4" else 6)
    if isinstance(target, models.DateTimeField) and settings.USE_TZ:
        made = [timezone.make_aware(value) for value in made]
    taken = set(rows.filter(**{f"{field.attname}__in": made}).values_list(field.attname, flat=True))
    return [value for value in made if value not in taken]
