"""Whether a Django row is the only one with its values.

Takes an instance, raises what ``Model.validate_unique`` raises. That one asks the default database,
wherever the row is kept; this one is told which to ask.
"""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

Check = tuple[type[models.Model], tuple[str, ...]]

_DATE_PARTS = {"unique_for_date": "date", "unique_for_year": "year", "unique_for_month": "month"}


def check_unique(row: models.Model, exclude: set[str], using: str) -> None:
    """Look for other rows with the same values.

    Args:
        row: The instance.
        exclude: Fields that need not be looked at.
        using: The alias of the database.

    Raises:
        ValidationError: By field what is taken; of several fields together under no field.
    """
    errors: dict[str, list[ValidationError]] = {}
    for owner, names in _find_checks(type(row)):
        if exclude & set(names):
            continue
        fields: list[Any] = [owner._meta.get_field(name) for name in names]
        values = {field.name: getattr(row, field.attname) for field in fields}
        if None not in values.values() and _is_taken(row, owner, values, using):
            error = row.unique_error_message(owner, names)
            errors.setdefault(names[0] if len(names) == 1 else NON_FIELD_ERRORS, []).append(error)
    for one, date_name, part in _find_date_checks(type(row)):
        date = getattr(row, date_name)
        if one.name in exclude or date is None:
            continue
        same = _same_date(date_name, date, part)
        if _is_taken(row, type(row), {one.name: getattr(row, one.attname), **same}, using):
            error = row.date_error_message(part, one.name, date_name)
            errors.setdefault(one.name, []).append(error)
    if errors:
        raise ValidationError(errors)


def _find_checks(model: type[models.Model]) -> Iterator[Check]:
    for owner in (model, *model._meta.all_parents):
        for field in owner._meta.local_fields:
            if field.unique and not field.primary_key:
                yield owner, (field.name,)
        for names in owner._meta.unique_together:
            yield owner, tuple(names)


def _find_date_checks(model: type[models.Model]) -> Iterator[tuple[Any, str, str]]:
    for field in model._meta.fields:
        for attribute, part in _DATE_PARTS.items():
            date_name = getattr(field, attribute, None)
            if date_name:
                yield field, date_name, part


def _same_date(name: str, date: Any, part: str) -> dict[str, Any]:
    if part == "date":
        return {f"{name}__year": date.year, f"{name}__month": date.month, f"{name}__day": date.day}
    return {f"{name}__{part}": getattr(date, part)}


def _is_taken(
    row: models.Model, owner: type[models.Model], values: dict[str, Any], using: str
) -> bool:
    others = owner._base_manager.using(using).filter(**values)
    if not row._state.adding:
        others = others.exclude(pk=row._get_pk_val(owner._meta))
    return others.exists()
