"""Django models as tuples, without changing them.

Takes model classes, gives their concrete fields under their attribute names (``author_id``, not
``author``). Reading never asks the database, so a deferred field travels as None; building makes an
unsaved instance.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models.expressions import DatabaseDefault

from django_vortex.orm.django.kinds import Kind, find_kind
from django_vortex.tuples import Construction, FieldSpec, TupleRegistry


class DjangoModelAdapter:
    """Reads and rebuilds instances of Django models."""

    takes_subclasses = True
    needs_fields = True

    def list_names(self, cls: type[models.Model]) -> Sequence[str]:
        """List the names of the concrete fields; relations need not be resolved yet."""
        return [field.attname for field in cls._meta.concrete_fields]

    def find_fields(self, cls: type[models.Model]) -> Sequence[FieldSpec]:
        """List the concrete fields, inherited ones included."""
        fields = [one for one in cls._meta.concrete_fields if not one.attname.startswith("_")]
        return [_describe(field, find_kind(field)) for field in fields]

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


def _describe(field: Any, kind: Kind) -> FieldSpec:
    return FieldSpec(field.attname, kind.type, kind.raw, _make_read(field, kind))


def _make_read(field: Any, kind: Kind) -> Callable[[Any], object]:
    name, to_wire = field.attname, kind.to_wire
    if isinstance(field, models.FileField):
        to_wire = _file_name
    has_default = field.db_default is not models.NOT_PROVIDED
    if to_wire is None and not has_default:
        return lambda instance: instance.__dict__.get(name)

    def read(instance: Any) -> object:
        value = instance.__dict__.get(name)
        if value is None or value.__class__ is DatabaseDefault:  # which it has yet to decide
            return None
        return value if to_wire is None else to_wire(value)

    return read


def _file_name(value: Any) -> Any:
    return value if isinstance(value, str) else value.name
