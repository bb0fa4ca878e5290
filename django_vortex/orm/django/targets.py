"""Whether the rows that Django rows refer to exist.

Takes drafts, appends to their errors. Asks with one statement per relation, however many rows refer
to it. Rows of the same message are there, and those that refer to them see them: ``clean()`` may
look at a related row that no database has yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models

from django_vortex.orm.django.limits import get_storage_error
from django_vortex.orm.django.values import PENDING
from django_vortex.orm.sameness import is_hashable
from django_vortex.orm.store import Draft


def check_targets(
    model: type[models.Model],
    drafts: Sequence[Draft],
    using: str,
    message: Sequence[Draft] = (),
) -> None:
    """Say which rows refer to one that is not there, or that they may not refer to.

    Args:
        model: The model of the rows.
        drafts: The rows.
        using: The alias of the database.
        message: All rows that are written together.
    """
    for field in _find_foreign_keys(model):
        _check_one(field, drafts, using, message)
    for field in model._meta.many_to_many:
        target = field.remote_field.model._meta.pk
        _check_many(field, drafts, using, _find_near(field, target, message))


def check_limits_of_targets(
    model: type[models.Model],
    drafts: Sequence[Draft],
    using: str,
    message: Sequence[Draft],
) -> None:
    """Say which rows refer to one of the message that they may not refer to, now it is written."""
    for field in _find_foreign_keys(model):
        if field.get_limit_choices_to():
            near = _find_near(field, field.target_field, message)
            found = {draft.row.__dict__.get(field.attname) for draft in drafts} & near.keys()
            missing = found - _find_kept(field, found, using)
            for draft in drafts:
                value = draft.row.__dict__.get(field.attname)
                if value in missing:
                    draft.errors.setdefault(field.attname, []).append(_missing(field, value))


@lru_cache(maxsize=1024)
def has_limited_targets(model: type[models.Model]) -> bool:
    """Return whether a foreign key of a model may not refer to each row of its target."""
    return any(field.remote_field.limit_choices_to for field in _find_foreign_keys(model))


@lru_cache(maxsize=1024)
def _find_foreign_keys(model: type[models.Model]) -> list[Any]:
    """Find the foreign keys of a model, but no links to rows of its parents: saving sets those."""
    fields: Iterable[Any] = model._meta.concrete_fields
    return [
        field
        for field in fields
        if field.is_relation
        and field.remote_field
        and not getattr(field.remote_field, "parent_link", False)
    ]


def _find_near(field: Any, target: Any, message: Sequence[Draft]) -> dict[Any, Any]:
    """Return the rows of a message that a field may refer to, by the value that it has then."""
    wanted = field.remote_field.model._meta.concrete_model
    near = {}
    for draft in message:
        if isinstance(draft.row, wanted):
            value = draft.row.__dict__.get(target.attname)
            if value is not None and is_hashable(value):
                near[value] = draft.row
    return near


def _check_one(field: Any, drafts: Sequence[Draft], using: str, message: Sequence[Draft]) -> None:
    wanted: dict[Any, list[Draft]] = {}
    for draft in drafts:
        if field.attname in draft.errors:
            continue
        if not draft.is_new and not {field.name, field.attname} & draft.changed:
            continue
        value = draft.row.__dict__.get(field.attname)
        if value is not None:
            wanted.setdefault(value, []).append(draft)
        elif not field.null and not (draft.is_new and field.has_db_default()):
            draft.errors.setdefault(field.attname, []).append(str(field.error_messages["null"]))
    if not wanted:
        return
    near = _find_near(field, field.target_field, message)
    asked = [value for value in wanted if value not in near]
    there = _find_kept(field, asked, using) | near.keys()
    for value, referring in wanted.items():
        texts = _run_validators(field, value) if value in there else [_missing(field, value)]
        for draft in referring:
            if value in near and not field.is_cached(draft.row):
                field.set_cached_value(draft.row, near[value])
            if texts:
                draft.errors.setdefault(field.attname, []).extend(texts)


def _check_many(field: Any, drafts: Sequence[Draft], using: str, near: Mapping[Any, Any]) -> None:
    key = field.remote_field.model._meta.pk
    pending = [(draft, draft.row.__dict__.get(PENDING, {}).get(field.name)) for draft in drafts]
    wanted = {
        value
        for _, values in pending
        for value in values or ()
        if is_hashable(value)
        and value not in near
        and get_storage_error(key, value, connections[using]) is None
    }
    # As the related manager finds them: a row that the default manager hides is not there.
    manager = field.remote_field.model._default_manager
    there = _find_there(field, "pk", wanted, manager.using(using)) | near.keys()
    for draft, values in pending:
        missing = [one for one in values or () if not is_hashable(one) or one not in there]
        if missing:
            draft.errors.setdefault(field.name, []).append(_missing(field, missing[0]))


def _find_kept(field: Any, values: Iterable[Any], using: str) -> set[Any]:
    """Return those of the values of a foreign key that a row has."""
    manager = field.remote_field.model._base_manager
    return _find_there(field, field.target_field.name, values, manager.using(using))


def _find_there(field: Any, name: str, values: Iterable[Any], queryset: Any) -> set[Any]:
    wanted = list(values)
    if not wanted:
        return set()
    queryset = queryset.complex_filter(field.get_limit_choices_to())
    return set(queryset.filter(**{f"{name}__in": wanted}).values_list(name, flat=True))


def _missing(field: Any, value: Any) -> str:
    return f"There is no {field.remote_field.model._meta.verbose_name} {value!r}"


def _run_validators(field: Any, value: Any) -> list[str]:
    try:
        field.run_validators(value)
    except ValidationError as error:
        return error.messages
    return []
