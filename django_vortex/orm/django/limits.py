"""What a database cannot hold, found before it is asked.

Takes a field and a value, gives what is wrong with it. A database refuses the same, but says
neither which field it was nor, in PostgreSQL, anything more after that; SQLite makes NULL of NaN.
"""

import decimal
import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models


def get_storage_error(field: Any, value: Any, connection: Any) -> str | None:
    """Return what is wrong with a value.

    Args:
        field: The model field; of an array, of its items too.
        value: What is about to be stored.
        connection: The connection to the database.
    """
    target = field.target_field if field.is_relation else field
    if isinstance(value, int) and not isinstance(value, bool):
        return _check_int(target, value, connection)
    if isinstance(value, decimal.Decimal):
        return _check_decimal(target, value)
    if isinstance(value, float) and math.isnan(value) and connection.vendor == "sqlite":
        return "This database has no NaN"
    if isinstance(value, list) and hasattr(target, "base_field"):
        found = (get_storage_error(target.base_field, item, connection) for item in value)
        return next((text for text in found if text), None)
    if isinstance(field, models.JSONField) and connection.vendor != "postgresql":
        return None  # there it is text in which everything is spelled in ASCII
    return _check_texts(value, connection)


def _check_int(field: Any, value: int, connection: Any) -> str | None:
    if not isinstance(field, models.IntegerField):
        return None
    low, high = connection.ops.integer_field_range(field.get_internal_type())
    if (low is not None and value < low) or (high is not None and value > high):
        return f"Ensure this value is from {low} to {high}"
    return None


def _check_decimal(field: Any, value: decimal.Decimal) -> str | None:
    if not isinstance(field, models.DecimalField):
        return None
    if not value.is_finite():
        return "Expected a finite number"
    most, places = getattr(field, "max_digits", None), getattr(field, "decimal_places", None)
    if most is None or places is None:
        return None  # newer versions of Django need neither
    digits = most - places
    if value and value.adjusted() >= digits:
        return f"Ensure that there are no more than {digits} digits before the decimal point"
    return None


def _check_texts(value: Any, connection: Any) -> str | None:
    if isinstance(value, str):
        if "\0" in value and connection.vendor == "postgresql":
            return "This database has no NUL in texts"
        try:
            value.encode()
        except UnicodeEncodeError:
            return "Half a character, which UTF-8 cannot hold"
        return None
    parts: Iterable[Any] = ()
    if isinstance(value, Mapping):
        parts = (*value.keys(), *value.values())
    elif isinstance(value, list):
        parts = value
    return next((text for part in parts if (text := _check_texts(part, connection))), None)
