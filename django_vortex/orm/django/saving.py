"""Writing fields of an instance, also only if it is in the database as its peer saw it.

Takes an instance and its fields, makes one UPDATE of each of its tables. What hooks, the model and
its fields change besides is written with it (`changes`). Models with a ``save`` of their own may
write in other ways: there the version is counted by a statement of its own before.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, models, transaction

from django_vortex.orm.django.changes import (
    SAVE_HOOKS,
    SEEN,
    extending,
    find_changed_names,
    forget,
    may_derive,
    shadowing,
)
from django_vortex.orm.django.models import is_overridden
from django_vortex.orm.store import StaleRow, Version


def save_fields(row: Any, names: Collection[str], using: str, version: Version | None) -> None:
    """Write fields, what changes with them and the next version; ``save`` and signals are called.

    Args:
        row: An instance.
        names: Its fields; with a version there may be none.
        using: The alias of the database.
        version: What it has to be in the database.

    Raises:
        StaleRow: It is not, or the row is gone.
    """
    model: type = type(row)
    if version is None:
        _save(row, names, using)
    elif is_overridden(model, models.Model, *SAVE_HOOKS):
        claim(row, using, version)
        _save(row, names, using)
    else:
        setattr(row, version.name, version.next)
        with _only_if_seen(row, version):
            _save(row, {*names, version.name}, using)


def claim(row: Any, using: str, version: Version) -> None:
    """Move a row from the version that was seen to the next; holds others off until the end.

    Raises:
        StaleRow: It is in another version, or gone.
    """
    seen = {version.name: version.seen}
    rows = type(row)._base_manager.using(using).filter(pk=row.pk, **seen)
    if not rows.update(**{version.name: version.next}):
        raise StaleRow
    setattr(row, version.name, version.next)
    row.__dict__.get(SEEN, {})[version.name] = version.next


def _save(row: Any, names: Collection[str], using: str) -> None:
    if not names:
        return
    try:
        if may_derive(type(row)):
            with extending(row):
                row.save(using=using, update_fields=names)
        else:
            row.save(using=using, update_fields={*names, *find_changed_names(row)})
            forget(row)
    except DatabaseError as error:
        # A class of its own for "did not affect any rows" came with Django 6.
        if type(error) is DatabaseError or isinstance(error, getattr(row, "NotUpdated", ())):
            # Django takes it for an error of the database, which has only found nothing to write.
            transaction.set_rollback(False, using=using)
            raise StaleRow from error
        raise


@contextmanager
def _only_if_seen(row: Any, version: Version) -> Iterator[None]:
    """Let the next UPDATE find the row in the version that was seen only."""
    write = row._do_update

    def write_if_seen(rows: models.QuerySet[Any], *arguments: Any) -> Any:
        fields = rows.model._meta.local_concrete_fields
        if any(field.name == version.name for field in fields):  # else it is a parent's table
            rows = rows.filter(**{version.name: version.seen})
        return write(rows, *arguments)

    with shadowing(row, _do_update=write_if_seen):
        yield
