"""What a Django model says against rows.

Takes drafts, appends to their errors. It is ``full_clean`` for the fields that change: their own
checks, the model's ``clean``, uniqueness and constraints they take part in. Methods of it that a
model has of its own are called as a ``ModelForm`` calls them, with ``exclude``; what else the
database has to be asked is asked for all rows at once.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ObjectDoesNotExist, ValidationError
from django.db import connections, models

from django_vortex.exceptions import ValidationError as OurValidationError
from django_vortex.orm.django.changes import find_changed, remember
from django_vortex.orm.django.errors import messages_by_field
from django_vortex.orm.django.files import is_file
from django_vortex.orm.django.limits import get_storage_error
from django_vortex.orm.django.models import is_overridden
from django_vortex.orm.django.targets import check_targets
from django_vortex.orm.django.unique import (
    FindReplaced,
    Uniqueness,
    Without,
    asking,
    find_taken,
    find_uniqueness,
    is_plain,
)
from django_vortex.orm.store import Draft

TAKEN = "Another row has such values"
"""What is said of values among which are some that the peer cannot see."""


def validate_drafts(
    model: type[models.Model],
    drafts: Sequence[Draft],
    visible: Collection[str],
    using: str,
    message: Sequence[Draft] = (),
) -> None:
    """Look for everything that is wrong with rows of one model.

    Args:
        model: The model.
        drafts: The rows. What cleaning changes besides is added to what changes.
        visible: The fields that the peer may see.
        using: The alias of the database.
        message: All rows that are written together.
    """
    for draft in drafts:
        draft.row._state.db = using  # which is where ``clean`` looks for related rows
        _check_limits(model, draft, using, are_relations=True)
    check_targets(model, drafts, using, message)
    find_replaced = partial(_find_replaced, message)
    for draft in drafts:
        _clean(model, draft, using, find_replaced)
        _check_limits(model, draft, using, are_relations=False)
    if is_overridden(model, models.Model, "validate_unique", "_get_unique_checks"):
        for draft in drafts:
            with asking(draft.row, using, find_replaced):
                _collect(draft, model, draft.row.validate_unique, exclude=_exclude(model, draft))
    if is_overridden(model, models.Model, "validate_constraints", "get_constraints"):
        for draft in drafts:
            _collect(draft, model, draft.row.validate_constraints, exclude=_exclude(model, draft))
    else:
        _check_constraints(model, drafts, using, find_replaced)
    _check_uniqueness(model, drafts, visible, using, find_replaced)


def _find_replaced(
    message: Sequence[Draft], owner: type[models.Model], names: set[str]
) -> list[models.Model]:
    """Find the stored rows of a table whose fields a message changes; without names, all rows."""
    if len(message) < 2:
        return []
    return [
        draft.row
        for draft in message
        if not draft.is_new
        and isinstance(draft.row, owner)
        and (not names or not names <= _untouched_names(type(draft.row), draft))
    ]


def _clean(
    model: type[models.Model], draft: Draft, using: str, find_replaced: FindReplaced
) -> None:
    """Call what checks a row by itself, and note what that changes."""
    row = draft.row
    untouched = _untouched_names(model, draft)
    fields = model._meta.concrete_fields
    exclude = untouched | _wrong_names(model, draft)
    exclude |= {
        field.name
        for field in fields
        if field.is_relation or (field.null and _is_rightly_null(field, row))
    }
    if draft.is_new:
        exclude |= {field.name for field in fields if _is_empty_default(field, row)}
    else:
        remember(row)
    if is_overridden(model, models.Model, "full_clean"):
        with asking(row, using, find_replaced):
            _collect(draft, model, row.full_clean, exclude=exclude, validate_unique=False)
    else:
        _collect(draft, model, row.clean_fields, exclude=exclude)
        _collect(draft, model, row.clean)
    draft.changed |= find_changed(row)


def _check_limits(
    model: type[models.Model], draft: Draft, using: str, *, are_relations: bool
) -> None:
    untouched = _untouched_names(model, draft)
    for field in model._meta.concrete_fields:
        if field.name in untouched or field.is_relation is not are_relations:
            continue
        text = get_storage_error(field, draft.row.__dict__.get(field.attname), connections[using])
        if text is not None and field.attname not in draft.errors:
            draft.errors[field.attname] = [text]


def _check_uniqueness(
    model: type[models.Model],
    drafts: Sequence[Draft],
    visible: Collection[str],
    using: str,
    find_replaced: FindReplaced,
) -> None:
    seen = {field.name for field in model._meta.concrete_fields if field.attname in visible}
    skips_fields = is_overridden(model, models.Model, "validate_unique", "_get_unique_checks")
    skips_constraints = is_overridden(
        model, models.Model, "validate_constraints", "get_constraints"
    )
    for unique in find_uniqueness(model):
        if skips_fields if unique.constraint is None else skips_constraints:
            continue
        by_row = {id(one.row): one for one in drafts if _concerns(model, one, unique.all_names)}
        replaced = find_replaced(unique.owner, unique.all_names)
        rows, unset = [one.row for one in by_row.values()], _find_unset(unique, by_row)
        for row in find_taken(unique, rows, using, replaced, unset):
            error = unique.error(row) if unique.all_names <= seen else ValidationError(TAKEN)
            _add(by_row[id(row)], model, {unique.place: error.messages})


def _find_unset(unique: Uniqueness, by_row: Mapping[int, Draft]) -> set[int]:
    """Return those of new rows that have the defaults of fields which are unique."""
    fields: list[Any] = [unique.owner._meta.get_field(name) for name in unique.names]
    return {
        key
        for key, draft in by_row.items()
        if draft.is_new
        and draft.changed.isdisjoint({*unique.names, *(one.attname for one in fields)})
        and all(draft.row.__dict__.get(one.attname) == one.get_default() for one in fields)
    }


def _check_constraints(
    model: type[models.Model], drafts: Sequence[Draft], using: str, find_replaced: FindReplaced
) -> None:
    for draft in drafts:
        for owner, constraints in draft.row.get_constraints():
            for constraint in constraints:
                names = _constraint_names(constraint, owner)
                if is_plain(constraint, owner) or not _concerns(model, draft, names):
                    continue
                among: Any = owner
                if not isinstance(constraint, models.CheckConstraint):
                    replaced = find_replaced(owner, names)
                    among = Without(owner, replaced) if replaced else owner
                _collect(draft, model, constraint.validate, among, draft.row, using=using)


def _concerns(model: type[models.Model], draft: Draft, names: set[str]) -> bool:
    """Return whether fields that are checked together have to be, and can be."""
    if names & _wrong_names(model, draft):
        return False
    return draft.is_new or not names or not names <= _untouched_names(model, draft)


def _exclude(model: type[models.Model], draft: Draft) -> set[str]:
    """Return what a model's own methods shall not look at.

    That is what does not change, unless something is looked at with it that does. Whose a key is
    already must not be told: that is left to the database.
    """
    untouched = _untouched_names(model, draft)
    together = [unique.all_names for unique in find_uniqueness(model)]
    for owner, constraints in draft.row.get_constraints():
        together += [_constraint_names(constraint, owner) for constraint in constraints]
    for names in together:
        if not names <= untouched:
            untouched = untouched - names
    keys = {field.name for field in model._meta.pk_fields}
    return untouched | keys | _wrong_names(model, draft)


def _is_rightly_null(field: Any, row: Any) -> bool:
    """Return whether a field that may be NULL is so, although no form could leave it out."""
    value = row.__dict__.get(field.attname, "")
    return value is None or (is_file(field) and not value)


def _is_empty_default(field: Any, row: Any) -> bool:
    """Return whether a new row has the default of a field, and that is empty: {}, say, of JSON.

    A form has to be filled in there, for lack of ``blank=True``; who sets nothing gets the default.
    """
    if field.blank or not field.has_default():
        return False
    value = row.__dict__.get(field.attname)
    return value in field.empty_values and value == field.get_default()


def _untouched_names(model: type[models.Model], draft: Draft) -> set[str]:
    if draft.is_new:
        return set()
    changed = draft.changed
    return {
        name
        for name, attname in _find_names(model)
        if name not in changed and attname not in changed
    }


@lru_cache(maxsize=1024)
def _find_names(model: type[models.Model]) -> list[tuple[str, str]]:
    """Return what the fields and lists of a model may be called."""
    fields: Iterable[Any] = (*model._meta.concrete_fields, *model._meta.many_to_many)
    return [(field.name, field.attname) for field in fields]


def _wrong_names(model: type[models.Model], draft: Draft) -> set[str]:
    if not draft.errors:
        return set()
    by_attname = {field.attname: field.name for field in model._meta.concrete_fields}
    return {by_attname.get(attname, attname) for attname in draft.errors}


def _constraint_names(constraint: Any, owner: Any) -> set[str]:
    """Return the fields of a constraint, none if they cannot be known."""
    names = set(getattr(constraint, "fields", ()))
    condition = getattr(constraint, "condition", None)
    if getattr(constraint, "expressions", ()):
        return set()
    if isinstance(condition, models.Q):
        names |= condition.referenced_base_fields
    return names


def _collect(
    draft: Draft, model: type[models.Model], check: Callable[..., object], *args: Any, **more: Any
) -> None:
    try:
        check(*args, **more)
    except ValidationError as error:
        _add(draft, model, messages_by_field(error))
    except OurValidationError as error:
        for one in error.errors or [{"field": "", "messages": [str(error)]}]:
            _add(draft, model, {one["field"]: one["messages"]})
    except ObjectDoesNotExist:
        if not draft.errors:  # or else it is said already that there is no such row
            raise


def _add(draft: Draft, model: type[models.Model], messages: Mapping[str, Sequence[str]]) -> None:
    attnames = {field.name: field.attname for field in model._meta.concrete_fields}
    for name, texts in messages.items():
        known = "" if name == NON_FIELD_ERRORS else attnames.get(name, name)
        found = draft.errors.setdefault(known, [])
        found += [text for text in texts if text not in found]
