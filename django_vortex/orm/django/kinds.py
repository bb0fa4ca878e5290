"""Find how the values of Django fields travel.

Takes a model field, gives its `Kind`. Most values travel as they are.
"""

import datetime as dt
import decimal
import json
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signals import setting_changed
from django.db import models
from django.dispatch import receiver
from django.utils import timezone

from django_vortex.orm.django.kind import Convert, Kind

PYTHON_TYPES: "Mapping[type[models.Field[Any, Any]], type]" = {
    models.AutoField: int,
    models.IntegerField: int,
    models.BooleanField: bool,
    models.FloatField: float,
    models.DecimalField: decimal.Decimal,
    models.CharField: str,
    models.TextField: str,
    models.GenericIPAddressField: str,
    models.FilePathField: str,
    models.FileField: str,
    models.DateTimeField: dt.datetime,
    models.DateField: dt.date,
    models.TimeField: dt.time,
    models.DurationField: dt.timedelta,
    models.UUIDField: uuid.UUID,
    models.BinaryField: bytes,
}
"""What the values of a field are; subclasses go by their bases, others may be anything."""


@lru_cache(maxsize=4096)
def get_kind(field: Any) -> Kind:
    """Return how the values of a field travel."""
    target = field.target_field if field.is_relation else field
    target = getattr(target, "output_field", target)  # what a GeneratedField computes
    if target is not field:
        return get_kind(target)
    bases = type(field).__mro__
    if any(base.__module__.startswith("django.contrib.postgres.") for base in bases):
        from django_vortex.orm.django import postgres  # needs psycopg, as such a field does

        kind = postgres.get_kind(field, get_kind)
        if kind is not None:
            return kind
    if any(base.__module__.startswith("django.contrib.gis.") for base in bases):
        return Kind(refusal="holds geometries, which cannot travel")
    if isinstance(field, models.JSONField):
        return _make_json_kind(field)
    of = next((PYTHON_TYPES[base] for base in bases if base in PYTHON_TYPES), None)
    return Kind(of, to_wire=_TO_WIRE.get(of), to_model=_TO_MODEL.get(of))


@receiver(setting_changed)
def _forget_kinds(*, setting: str, **_: object) -> None:
    """Let tests of applications install an app whose fields travel only then."""
    if setting == "INSTALLED_APPS":
        get_kind.cache_clear()


def _make_json_kind(field: "models.JSONField[Any, Any]") -> Kind:
    if field.decoder is not None:
        return Kind(is_ordered=False)
    encoder = field.encoder
    if encoder is None:
        return Kind(raw=True)

    def to_wire(value: Any) -> Any:
        return json.loads(json.dumps(value, cls=encoder))

    return Kind(raw=True, to_wire=to_wire)


def _to_bytes(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _to_moment(value: Any) -> Any:
    """Return a datetime as the project stores them: with or without a time zone."""
    if not isinstance(value, dt.datetime):
        return value
    try:
        if settings.USE_TZ and timezone.is_naive(value):
            return timezone.make_aware(value)
        if not settings.USE_TZ and timezone.is_aware(value):
            return timezone.make_naive(value, dt.UTC)
    except OverflowError:
        raise ValidationError("This moment is beyond the calendar") from None
    return value


def _to_clock(value: Any) -> Any:
    if isinstance(value, dt.time) and value.tzinfo is not None:
        raise ValidationError("A time of day has no time zone here")
    return value


_TO_WIRE: Mapping[Any, Convert] = {bytes: _to_bytes}
_TO_MODEL: Mapping[Any, Convert] = {dt.datetime: _to_moment, dt.time: _to_clock}
