"""Django models as tuples, without changing them.

Takes model classes, gives their concrete fields under their attribute names (``author_id``, not
``author``). Reading never asks the database, so a deferred field travels as None; building makes an
unsaved instance.
"""

import datetime
import decimal
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models.expressions import DatabaseDefault

from django_vortex.tuples import Construction, FieldSpec, TupleRegistry

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
    models.DateTimeField: datetime.datetime,
    models.DateField: datetime.date,
    models.TimeField: datetime.time,
    models.DurationField: datetime.timedelta,
    models.UUIDField: uuid.UUID,
    models.BinaryField: bytes,
}
"""What the values of a field are; subclasses go by their bases, others may be anything."""


class DjangoModelAdapter:
    """Reads and rebuilds instances of Django models."""

    takes_subclasses = True

    def find_fields(self, cls: type[models.Model]) -> Sequence[FieldSpec]:
        """List the concrete fields, inherited ones included."""
        return [
            FieldSpec(field.attname, python_type(field), is_raw(field), _make_read(field))
            for field in cls._meta.concrete_fields
            if not field.attname.startswith("_")
        ]

    def get_construction(
        self, cls: type[models.Model], fields: Sequence[FieldSpec]
    ) -> Construction:
        """Set attributes of an instance that is new to the database; others have their defaults."""

        def build(values: Mapping[str, object]) -> models.Model:
            instance = cls.__new__(cls)
            models.Model.__init__(instance)  # not the user's, which peers must not drive
            # Past the descriptors: that of an ImageField would open the file that a peer names.
            instance.__dict__.update(values)
            return instance

        return Construction(build)


def install(registry: TupleRegistry) -> None:
    """Let Django models be tuple types of a registry."""
    registry.add_adapter("django.db.models.base.Model", DjangoModelAdapter())


def python_type(field: Any) -> type | None:
    """Give the class of the values of a field, None if they may be anything."""
    target = field.target_field if field.is_relation else field
    target = getattr(target, "output_field", target)  # what a GeneratedField computes
    if target is not field:
        return python_type(target)
    for base in type(field).__mro__:
        if base in PYTHON_TYPES:
            return PYTHON_TYPES[base]
    return None


def is_raw(field: Any) -> bool:
    """Say whether the values of a field are plain JSON already."""
    return isinstance(field, models.JSONField) and field.encoder is None and field.decoder is None


def _make_read(field: Any) -> Callable[[Any], object]:
    name = field.attname
    if isinstance(field, models.FileField):
        return lambda instance: _file_name(instance.__dict__.get(name))
    if isinstance(field, models.BinaryField):
        return lambda instance: _bytes(instance.__dict__.get(name))
    if field.db_default is not models.NOT_PROVIDED:
        return lambda instance: _known(instance.__dict__.get(name))
    return lambda instance: instance.__dict__.get(name)


def _file_name(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else value.name


def _bytes(value: Any) -> bytes | None:
    return bytes(value) if isinstance(value, memoryview) else value


def _known(value: Any) -> object:
    """Give None for what the database has yet to decide."""
    return None if isinstance(value, DatabaseDefault) else value
