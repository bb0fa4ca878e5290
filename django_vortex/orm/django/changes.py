"""What has changed on an instance since it was read, whoever has changed it.

Takes an instance, remembers the values of its fields, says later which are others: set by a hook,
by ``clean()``, by ``save()``, by a receiver of ``pre_save`` or by the field itself.
"""

import copy
import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from operator import is_
from typing import Any

from django.db import models
from django.db.models.signals import pre_save

from django_vortex.orm.django.files import is_file
from django_vortex.orm.django.models import is_overridden
from django_vortex.orm.sameness import is_same

SEEN = "_vortex_seen_values"
"""Where an instance keeps the values that it was read with, by ``attname``."""

SAVE_HOOKS = ("save", "save_base", "_save_parents", "_save_table", "_do_update")

_PLAIN_PRE_SAVES = frozenset(
    kind.pre_save
    for kind in (models.Field, models.DateField, models.DateTimeField, models.TimeField)
)
"""Of fields that keep their value, or the time of the last change, which is saved anyway."""

_IMMUTABLE = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes, decimal.Decimal, uuid.UUID),
        *(dt.datetime, dt.date, dt.time, dt.timedelta),
    }
)


_NOTHING: frozenset[str] = frozenset()


def remember(row: models.Model) -> None:
    """Note what an instance is now, unless that was done before."""
    known = row.__dict__
    if SEEN not in known:
        known[SEEN] = {
            name: value if (value := known[name]).__class__ in _IMMUTABLE else _keep(value)
            for name in _find_watched(row.__class__)
            if name in known
        }


def forget(row: models.Model) -> None:
    """Keep nothing of what an instance was."""
    row.__dict__.pop(SEEN, None)


def find_changed(row: models.Model) -> frozenset[str]:
    """Return the ``attname`` of each field that is not as it was remembered.

    Keys and generated fields are not among them, and neither are fields that were deferred then:
    nobody knows whether they have been set or only loaded.
    """
    now = row.__dict__
    seen = now.get(SEEN)
    if seen is None:
        return _NOTHING
    if all(map(is_, map(now.get, seen), seen.values())):
        return _NOTHING
    others = [name for name, value in seen.items() if now.get(name, value) is not value]
    watched = _find_watched(row.__class__)
    return frozenset(
        name
        for name in others
        if name in watched and not _is_as_seen(seen, watched[name], now[name])
    )


@lru_cache(maxsize=1024)
def _find_watched(model: type[models.Model]) -> dict[str, Any]:
    """Return the fields that may change, by ``attname``."""
    keys = model._meta.pk_fields
    fields: Iterable[Any] = model._meta.concrete_fields
    return {
        field.attname: field
        for field in fields
        if not (field.primary_key or field.generated or field in keys)
    }


def may_derive(model: type[models.Model]) -> bool:
    """Return whether saving an instance may change other fields than those that are to be saved."""
    # Receivers may be connected at any time, so they are looked for each time.
    return _has_own_saving(model) or pre_save.has_listeners(model)


@lru_cache(maxsize=1024)
def _has_own_saving(model: type[models.Model]) -> bool:
    return is_overridden(model, models.Model, *SAVE_HOOKS) or any(
        type(field).pre_save not in _PLAIN_PRE_SAVES for field in model._meta.concrete_fields
    )


@contextmanager
def extending(row: Any) -> Iterator[None]:
    """Let saves with ``update_fields`` write whatever has changed besides, and nothing else.

    ``pre_save`` of every field is called once, as in a save of the whole instance; what it and all
    before it have left as it was is not written, so that a concurrent writer keeps its own. Signals
    are told of what ``save()`` has changed, ``post_save`` also of what receivers have.
    """
    remember(row)
    seen = row.__dict__[SEEN]
    told: set[str] | None = None
    save_base, save_table = row.save_base, row._save_table
    do_update, refresh = row._do_update, row.refresh_from_db

    def save_what_changed(*args: Any, **options: Any) -> Any:
        names = options.get("update_fields")
        if names is not None:
            options["update_fields"] = {*names, *find_changed_names(row)}
        return save_base(*args, **options)

    def save_one_table(
        raw: bool = False,
        cls: Any = None,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Any = None,
    ) -> Any:
        nonlocal told
        before, told = told, update_fields
        if isinstance(told, set):
            told.update(find_changed_names(row))
            here = {
                field.name for field in cls._meta.local_concrete_fields if _is_there(row, field)
            }
            update_fields = here | told
        try:
            return save_table(raw, cls, force_insert, force_update, using, update_fields)
        finally:
            told = before

    def update_what_changed(rows: Any, using: Any, key: Any, values: list[Any], *rest: Any) -> Any:
        if isinstance(told, set):
            values = [one for one in values if _is_written(one[0], one[2], told, seen)]
        updated = do_update(rows, using, key, values, *rest)
        seen.update({field.attname: _keep(value) for field, _, value in values})
        return updated

    def refresh_what_was_seen(*args: Any, **options: Any) -> Any:
        before = dict(row.__dict__)
        refresh(*args, **options)
        for field in row._meta.concrete_fields:
            name = field.attname
            if name in row.__dict__ and row.__dict__[name] is not before.get(name, row):
                seen[name] = _keep(row.__dict__[name])

    try:
        with shadowing(
            row,
            save_base=save_what_changed,
            _save_table=save_one_table,
            _do_update=update_what_changed,
            refresh_from_db=refresh_what_was_seen,
        ):
            yield
    finally:
        forget(row)


@contextmanager
def shadowing(row: models.Model, **methods: Callable[..., Any]) -> Iterator[None]:
    """Let one instance have methods of its own for as long as the context lasts."""
    known = row.__dict__
    before = {name: known[name] for name in methods if name in known}
    known.update(methods)
    try:
        yield
    finally:
        for name in methods:
            known.pop(name, None)
        known.update(before)


def find_changed_names(row: Any) -> set[str]:
    """Return the names of the fields that are not as they were remembered."""
    changed = find_changed(row)
    if not changed:
        return set()
    watched = _find_watched(row.__class__)
    return {watched[name].name for name in changed}


def _is_written(field: Any, value: Any, told: set[str], seen: Mapping[str, Any]) -> bool:
    return field.name in told or field.attname in told or not _is_as_seen(seen, field, value)


def _is_there(row: Any, field: Any) -> bool:
    return field.attname in row.__dict__ and not field.generated


def _is_as_seen(seen: Mapping[str, Any], field: Any, value: Any) -> bool:
    if field.attname not in seen:
        return False
    known = seen[field.attname]
    if known is value:
        return True
    if known.__class__ in _IMMUTABLE and value.__class__ in _IMMUTABLE:
        return is_same(known, value, exact=True)
    if is_file(field):
        return _file_name(known) == _file_name(value)
    if hasattr(value, "resolve_expression") or hasattr(known, "resolve_expression"):
        return False
    try:
        return is_same(known, value, exact=True)
    except Exception:  # of a class of the application's, which cannot be compared
        return False


def _keep(value: Any) -> Any:
    """Return a value that stays as it is when the one on the instance is changed in place."""
    kind = type(value)
    if kind in _IMMUTABLE:
        return value
    if kind is list:
        return [_keep(one) for one in value]
    if kind is dict:
        return {key: _keep(one) for key, one in value.items()}
    if hasattr(value, "resolve_expression"):
        return value
    if hasattr(value, "field") and hasattr(value, "name"):  # a file, which knows its instance
        return _file_name(value)
    try:
        return copy.deepcopy(value)
    except Exception:  # then it can only be replaced
        return value


def _file_name(value: Any) -> str:
    return str(getattr(value, "name", value) or "")
