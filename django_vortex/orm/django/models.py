"""What there is to know of a Django model before its rows are touched.

Takes a model class, gives a `ModelSpec`.
"""

import inspect
from functools import lru_cache
from typing import Any

from django.db import models

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.django.files import is_file
from django_vortex.orm.django.kinds import get_kind
from django_vortex.orm.django.unique_fields import find_unique_fields
from django_vortex.orm.model_spec import ModelField, ModelRelation, ModelSpec


def describe_model(model: type[models.Model]) -> ModelSpec:
    """Look into a model.

    Raises:
        DefinitionError: It is abstract, or has nothing but a name yet.
    """
    meta = model._meta
    if meta.abstract or meta.pk is None:
        raise DefinitionError(f"{model.__qualname__} is abstract and has no rows")
    keys = [field.attname for field in meta.pk_fields]
    fields = [_describe_field(field, field.attname in keys) for field in meta.concrete_fields]
    fields += [_describe_many(field) for field in meta.many_to_many]
    return ModelSpec(
        model=model,
        label=meta.label,
        fields={field.name: field for field in fields if not field.name.startswith("_")},
        key_names=tuple(keys),
        unique=tuple(
            one
            for one in find_unique_fields(model)
            if not any(name.startswith("_") for name in one.all_names)
        ),
        relations={relation.name: relation for relation in _find_relations(model)},
    )


def _describe_field(field: Any, is_key: bool) -> ModelField:
    is_made = field.generated or isinstance(field, models.AutoField)
    has_default = field.has_default() or field.has_db_default()
    is_moment = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    kind = get_kind(field)
    is_read_only = is_made or kind.is_read_only or is_file(field) or not _is_editable(field)
    is_read_only = is_read_only or field.primary_key  # of a parent's table
    return ModelField(
        name=field.attname,
        type=kind.type,
        raw=kind.raw,
        is_ordered=kind.is_ordered,
        is_comparable=kind.is_comparable,
        has_text=not field.is_relation,
        refusal=kind.refusal,
        is_nullable=field.null,
        is_required=not (field.null or field.blank or has_default or is_made),
        is_read_only=not is_key and is_read_only,
        has_varying_default=(field.has_default() and callable(field.default))
        or is_moment
        or field.has_db_default(),
        columns=frozenset({_column(field)}),
        refers_to=frozenset({_column(field.target_field)}) if field.is_relation else frozenset(),
    )


def _column(field: Any) -> str:
    return f"{field.model._meta.db_table}.{field.column}"


@lru_cache(maxsize=1024)
def is_overridden(cls: type, base: type, *names: str) -> bool:
    """Return whether a class has one of these methods of its own, in place of that of its base."""
    return any(
        inspect.getattr_static(cls, name) is not inspect.getattr_static(base, name)
        for name in names
    )


def _is_editable(field: Any) -> bool:
    # Binary fields are not, unless told otherwise, since no form can show them.
    return field.editable or isinstance(field, models.BinaryField)


def _describe_many(field: Any) -> ModelField:
    target = field.remote_field.model._meta.pk
    kind = get_kind(target).type
    return ModelField(
        name=field.name,
        type=list if kind is None else list[kind],  # type: ignore[valid-type]
        is_nullable=False,
        is_read_only=not field.remote_field.through._meta.auto_created,
        is_many=True,
        refers_to=frozenset({_column(target)}),
    )


def _find_relations(model: type[models.Model]) -> list[ModelRelation]:
    found = []
    for field in model._meta.get_fields():
        target = field.related_model
        if not field.is_relation or target is None or isinstance(target, str):
            continue  # a generic one, which may lead anywhere
        name = field.get_accessor_name() if hasattr(field, "get_accessor_name") else field.name
        if name and not name.startswith("_"):
            is_many = bool(field.many_to_many or field.one_to_many)
            found.append(ModelRelation(name, target, is_many, *_find_ends(field)))
    return found


def _find_ends(field: Any) -> tuple[str | None, str | None]:
    """Return the field that names the rows of a relation, and the one of theirs that it names."""
    if isinstance(field, models.ForeignKey):
        return field.attname, field.target_field.attname
    if isinstance(field, models.ManyToManyField):
        return field.name, field.related_model._meta.pk.attname
    return None, None
