"""Django models as tuples, without changing them.

Takes model classes, gives their concrete fields under their attribute names (``author_id``, not
``author``), with the values that CRUD reads as well. Reading loads what is deferred, but not on an
event loop; building makes an unsaved instance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models

from django_vortex.orm.django import lazy
from django_vortex.orm.django.files import is_file, to_name
from django_vortex.orm.django.kinds import get_kind
from django_vortex.orm.django.values import make_column_reader
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
        return [_describe(field) for field in fields]

    def get_construction(
        self, cls: type[models.Model], fields: Sequence[FieldSpec]
    ) -> Construction:
        """Set attributes of an instance that is new to the database; others have their defaults."""
        files = [field for field in cls._meta.concrete_fields if is_file(field)]

        def build(values: Mapping[str, object]) -> models.Model:
            instance = cls.__new__(cls)
            models.Model.__init__(instance)  # not the user's, which peers must not drive
            # Past the descriptors: that of an ImageField would open the file that a peer names.
            instance.__dict__.update(values)
            for field in files:
                address = values.get(field.attname)
                if isinstance(address, str):
                    instance.__dict__[field.attname] = to_name(field, address)
            return instance

        return Construction(build)

    def get_key_names(self, cls: type[models.Model]) -> Sequence[str]:
        """Return the columns of the primary key."""
        return tuple(field.attname for field in cls._meta.pk_fields)


def install(registry: TupleRegistry) -> None:
    """Let Django models be tuple types of a registry."""
    registry.add_adapter("django.db.models.base.Model", DjangoModelAdapter())
    lazy.install(registry)


def _describe(field: Any) -> FieldSpec:
    kind = get_kind(field)
    return FieldSpec(
        field.attname, kind.type, kind.raw, make_column_reader(field), refusal=kind.refusal
    )
