"""What a Django model says against rows.

Takes drafts, appends to their errors. It is ``full_clean`` for the fields that change: their own
checks, the model's ``clean``, uniqueness and constraints they take part in. Whether related rows
exist is asked with one statement per relation, however many rows refer to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from django_vortex.orm.django_models import is_file
from django_vortex.orm.django_unique import check_unique
from django_vortex.orm.django_values import PENDING
from django_vortex.orm.store import Draft


def validate_drafts(model: type[models.Model], drafts: Sequence[Draft], using: str) -> None:
    """Look for everything that is wrong with rows of one model."""
    for draft in drafts:
        _validate(model, draft, using)
    for field in model._meta.concrete_fields:
        if field.is_relation and field.remote_field:
            _check_targets(field, drafts, using)
    for field in model._meta.many_to_many:
        _check_many_targets(field, drafts, using)


def _validate(model: type[models.Model], draft: Draft, using: str) -> None:
    row = draft.row
    untouched = set() if draft.is_new else _untouched_names(model, draft.changed)
    relations = {field.name for field in model._meta.concrete_fields if field.is_relation}
    # What is NULL because it may be is right, although no form could leave it out.
    missing = {field.name for field in model._meta.concrete_fields if _is_rightly_null(field, row)}
    _collect(draft, model, lambda: row.clean_fields(exclude=untouched | relations | missing))
    _collect(draft, model, row.clean)
    wrong = {_name_of(model, attname) for attname in draft.errors}
    # The key is left to the database: whose it is already must not be told.
    apart = {field.name for field in model._meta.pk_fields} | wrong
    related = _fields_checked_together(model, untouched)
    _collect(draft, model, lambda: check_unique(row, (untouched - related) | apart, using))
    for owner, constraints in row.get_constraints():
        for constraint in constraints:
            names = _constraint_names(constraint)
            if names & wrong or (names and not draft.is_new and names <= untouched):
                continue
            _collect(
                draft,
                model,
                lambda c=constraint, o=owner: c.validate(o, row, using=using),
            )


def _is_rightly_null(field: Any, row: Any) -> bool:
    value = row.__dict__.get(field.attname, "")
    return field.null and (value is None or (is_file(field) and not value))


def _untouched_names(model: type[models.Model], changed: Iterable[str]) -> set[str]:
    changed = set(changed)
    fields = (*model._meta.concrete_fields, *model._meta.many_to_many)
    return {one.name for one in fields if not {one.name, one.attname} & changed}


def _fields_checked_together(model: type[models.Model], untouched: set[str]) -> set[str]:
    """Give the fields that are unique together with one that changes."""
    together: set[str] = set()
    for parent in (model, *model._meta.all_parents):
        for names in parent._meta.unique_together:
            if not set(names) <= untouched:
                together |= set(names)
    return together


def _constraint_names(constraint: Any) -> set[str]:
    """Give the fields of a constraint, none if they cannot be known."""
    names = set(getattr(constraint, "fields", ()))
    condition = getattr(constraint, "condition", None)
    if getattr(constraint, "expressions", ()):
        return set()
    if isinstance(condition, models.Q):
        names |= condition.referenced_base_fields
    return names


def _check_targets(field: Any, drafts: Sequence[Draft], using: str) -> None:
    """Say which rows refer to a row that is not there."""
    wanted: dict[Any, list[Draft]] = {}
    for draft in drafts:
        if not draft.is_new and not {field.name, field.attname} & draft.changed:
            continue
        value = draft.row.__dict__.get(field.attname)
        if value is not None:
            wanted.setdefault(value, []).append(draft)
        elif not field.null and not (draft.is_new and _is_given_later(field)):
            draft.errors.setdefault(field.attname, []).append(str(field.error_messages["null"]))
    if not wanted:
        return
    target = field.remote_field.model
    name = field.target_field.name
    there = _find_there(target, name, list(wanted), field.get_limit_choices_to(), using)
    for value, referring in wanted.items():
        if value not in there:
            text = f"There is no {target._meta.verbose_name} {value!r}"
            for draft in referring:
                draft.errors.setdefault(field.attname, []).append(text)


def _is_given_later(field: Any) -> bool:
    """Say whether saving sets a field: the link of a child to its parent's table."""
    return bool(getattr(field.remote_field, "parent_link", False)) or field.has_db_default()


def _check_many_targets(field: Any, drafts: Sequence[Draft], using: str) -> None:
    pending = [(draft, draft.row.__dict__.get(PENDING, {}).get(field.name)) for draft in drafts]
    wanted = {key for _, keys in pending for key in keys or ()}
    if not wanted:
        return
    target = field.remote_field.model
    there = _find_there(target, "pk", list(wanted), field.get_limit_choices_to(), using)
    for draft, keys in pending:
        missing = [key for key in keys or () if key not in there]
        if missing:
            text = f"There is no {target._meta.verbose_name} {missing[0]!r}"
            draft.errors.setdefault(field.name, []).append(text)


def _find_there(
    target: type[models.Model], name: str, values: list[Any], limits: Any, using: str
) -> set[Any]:
    queryset = target._base_manager.using(using).complex_filter(limits)
    return set(queryset.filter(**{f"{name}__in": values}).values_list(name, flat=True))


def _collect(draft: Draft, model: type[models.Model], check: Any) -> None:
    try:
        check()
    except ValidationError as error:
        for name, messages in _messages_by_name(error).items():
            found = draft.errors.setdefault(_attname_of(model, name), [])
            found += [text for text in messages if text not in found]


def _messages_by_name(error: ValidationError) -> Mapping[str, list[str]]:
    if hasattr(error, "error_dict"):
        return error.message_dict
    return {NON_FIELD_ERRORS: error.messages}


def _attname_of(model: type[models.Model], name: str) -> str:
    if name == NON_FIELD_ERRORS:
        return ""
    return next((one.attname for one in model._meta.concrete_fields if one.name == name), name)


def _name_of(model: type[models.Model], attname: str) -> str:
    return next((f.name for f in model._meta.concrete_fields if f.attname == attname), attname)
