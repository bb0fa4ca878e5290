"""What None in a row means: NULL, the default of a column, or that a value is missing.

SQLAlchemy inserts the default of a column where None was set, as if nothing was. Whoever sets None
means NULL, so that is noted on a new row.
"""

from typing import Any

from sqlalchemy.orm.attributes import instance_state

from django_vortex.orm.sqlalchemy.models import MappedColumn, MappedModel, many_to_one_names
from django_vortex.orm.store import Draft

VALUE_NEEDED = "A value is needed"

_MISSING = object()

_NULLS = "vortex.nulls"
"""Where a new row keeps which of its columns were set to None."""


def note_null(row: Any, name: str, *, is_null: bool) -> None:
    """Note that a column of a new row was set to None, or to something else."""
    nulls = instance_state(row).info.setdefault(_NULLS, set())
    (nulls.add if is_null else nulls.discard)(name)


def find_nulls(mapped: MappedModel, row: Any) -> list[str]:
    """Return the columns of a new row that are NULL whatever their default, and forget the notes.

    None in a column with a plain default is NULL too: the default was to be seen, and is not
    wanted.
    """
    noted = instance_state(row).info.pop(_NULLS, ())
    return [
        name
        for name, column in mapped.columns.items()
        if row.__dict__.get(name, _MISSING) is None
        and (column.plain_default is not None or name in noted)
        and getattr(column.column, "nullable", True)  # else it is JSON's null
    ]


def is_missing(mapped: MappedModel, column: MappedColumn, draft: Draft) -> bool:
    """Return whether None in a column is wrong, and no related row will give it a value."""
    if not is_needed(mapped, column, is_new=draft.is_new):
        return False
    related = many_to_one_names(mapped, column.column)
    return all(draft.row.__dict__.get(name) is None for name in related)


def is_needed(mapped: MappedModel, column: MappedColumn, *, is_new: bool) -> bool:
    """Return whether None is wrong, and not what stands for a default."""
    if is_new:
        return mapped.spec.fields[column.name].is_required
    return not column.is_nullable
