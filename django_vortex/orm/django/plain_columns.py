"""Columns for which equal in Python is what is equal in the database: `ModelColumns`, `read_value`.

Takes models and values as applications give them, gives values as changes and dependencies have
them: integers, booleans, UUIDs and, where texts are compared exactly, texts. All others are
unknown, and so is what the database computes.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import models

from django_vortex.live.changes import Key
from django_vortex.live.comparing import UNKNOWN
from django_vortex.orm.sql_text import find_bare_name

_INTEGERS: Final = frozenset(
    {
        *(models.AutoField, models.BigAutoField, models.SmallAutoField),
        *(models.IntegerField, models.BigIntegerField, models.SmallIntegerField),
        *(models.PositiveIntegerField, models.PositiveBigIntegerField),
        models.PositiveSmallIntegerField,
    }
)
"""The very classes: a class of its own may store values as it likes."""

_TEXTS: Final = frozenset(
    {models.CharField, models.TextField, models.SlugField, models.EmailField, models.URLField}
)
_PLAIN: Final[dict[type, type]] = {
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(_TEXTS, str),
    models.BooleanField: bool,
    models.UUIDField: UUID,
}
"""What the values of these fields are."""

_EXACT_TEXTS: Final = frozenset({"postgresql", "sqlite"})
"""Databases that call texts equal only if they are the same, where no collation says otherwise."""


def find_plain(field: Any, vendor: str) -> Any:
    """Return the field whose values a column has, that of the other end of a foreign key; or None.

    Args:
        field: A field with a column.
        vendor: What Django calls the kind of the database.
    """
    while field.remote_field is not None:
        field = field.target_field
    kind = type(field)
    if kind in _TEXTS:
        is_exact = vendor in _EXACT_TEXTS and not field.db_collation
        return field if is_exact and _is_ours(field) else None
    return field if kind in _PLAIN else None


def _is_ours(field: Any) -> bool:
    """Return whether Django has made the column, which may have any collation otherwise."""
    meta = field.model._meta
    return bool(meta.managed and not meta.swapped)


def read_value(plain: Any, value: Any) -> Any:
    """Return a value as it is stored in the column of a plain field, or `UNKNOWN`."""
    kind = _PLAIN[type(plain)]
    if value is None or type(value) is kind:
        return value
    if value is UNKNOWN or isinstance(value, models.Model) or hasattr(value, "as_sql"):
        return UNKNOWN
    try:
        value = plain.to_python(value)
    except Exception:  # of whatever the application gave; the database may refuse it, or not
        return UNKNOWN
    if kind is str and isinstance(value, str):
        return str.__str__(value)  # not what an enum makes of itself
    return value if value is None or type(value) is kind else UNKNOWN


def read_values(plain: Any, values: list[Any]) -> list[Any]:
    """Return several values as they are stored, see `read_value`."""
    if set(map(type, values)) <= {_PLAIN[type(plain)]}:
        return values
    return [read_value(plain, value) for value in values]


class ModelColumns:
    """The columns of a model's own table.

    Args:
        model: The model.
        vendor: What Django calls the kind of the database.
    """

    def __init__(self, model: type[models.Model], vendor: str) -> None:
        meta: Any = model._meta.concrete_model._meta  # type: ignore[union-attr]
        self.table = find_bare_name(meta.db_table)
        fields = [field for field in meta.local_concrete_fields if field.column]
        self.plain: Mapping[str, Any] = {
            field.column: plain
            for field in fields
            if (plain := find_plain(field, vendor)) is not None
        }
        """The plain fields by their columns."""
        self.keys: list[str] = (
            [field.column for field in meta.pk_fields] if meta.pk is not None else []
        )
        """The columns of the primary key, in its order."""
        self.generated = frozenset(field.column for field in fields if field.generated)
        """Columns that the database computes of others."""
        self.has_plain_key = bool(self.keys) and all(name in self.plain for name in self.keys)
        self.attnames: Mapping[str, str] = {field.column: field.attname for field in fields}

    def find_plain(self, target: Any) -> Any:
        """Return the plain field of a field of this table, None if it is none."""
        return self.plain.get(target.column)

    def read_key(self, values: Mapping[str, Any]) -> Key | None:
        """Return the primary key in values by column, None if it is not known or not there."""
        key = tuple(values.get(name, UNKNOWN) for name in self.keys)
        return None if not key or UNKNOWN in key or None in key else key

    def read_row(self, row: models.Model, columns: Iterable[str]) -> dict[str, Any]:
        """Return what is known of the values of an instance in some columns that are plain."""
        values = row.__dict__
        read = {}
        for column in columns:
            value = values.get(self.attnames[column], UNKNOWN)
            if type(value) is not _PLAIN[type(self.plain[column])]:
                value = read_value(self.plain[column], value)
            if value is not UNKNOWN:
                read[column] = value
        return read


_known: WeakKeyDictionary[type[models.Model], dict[str, ModelColumns]] = WeakKeyDictionary()


def get_columns(model: type[models.Model], vendor: str) -> ModelColumns:
    """Return the columns of a model's table, found once."""
    by_vendor = _known.get(model)
    if by_vendor is None:
        by_vendor = _known.setdefault(model, {})
    columns = by_vendor.get(vendor)
    if columns is None:
        columns = by_vendor[vendor] = ModelColumns(model, vendor)
    return columns
