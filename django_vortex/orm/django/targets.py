"""Whether the rows that Django rows refer to exist.

Takes drafts, appends to their errors. Asks with one statement per relation, however many rows refer
to it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models

from django_vortex.orm.django.limits import find_unstorable
from django_vortex.orm.django.values import PENDING
from django_vortex.orm.sameness import is_hashable
from django_vortex.orm.store import Draft


def check_targets(model: type[models.Model], drafts: Sequence[Draft], using: str) -> None:
    """Say which rows refer to one that is not there, or that they may not refer to."""
    for field in model._meta.concrete_fields:
        is_link = getattr(field.remote_field, "parent_link", False)  # to a row that saving makes
        if field.is_relation and field.remote_field and not is_link:
            _check_one(field, drafts, using)
    for field in model._meta.many_to_many:
        _check_many(field, drafts, using)


def _check_one(field: Any, drafts: Sequence[Draft], using: str) -> None:
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
    manager = field.remote_field.model._base_manager
    there = _find_there(field, field.target_field.name, wanted, manager.using(using))
    for value, referring in wanted.items():
        texts = _run_validators(field, value) if value in there else [_missing(field, value)]
        for draft in referring:
            if texts:
                draft.errors.setdefault(field.attname, []).extend(texts)


def _check_many(field: Any, drafts: Sequence[Draft], using: str) -> None:
    key = field.remote_field.model._meta.pk
    pending = [(draft, draft.row.__dict__.get(PENDING, {}).get(field.name)) for draft in drafts]
    wanted = {
        value
        for _, values in pending
        for value in values or ()
        if find_unstorable(key, value, connections[using]) is None
    }
    # As the related manager finds them: a row that the default manager hides is not there.
    manager = field.remote_field.model._default_manager
    there = _find_there(field, "pk", wanted, manager.using(using))
    for draft, values in pending:
        missing = [one for one in values or () if not is_hashable(one) or one not in there]
        if missing:
            draft.errors.setdefault(field.name, []).append(_missing(field, missing[0]))


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
