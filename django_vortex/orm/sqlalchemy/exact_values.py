"""Values that are equal in Python where the database calls them equal: `find_fit`.

Takes the type of a column or parameter, gives what makes of a value the one that is compared, as it
is for Django's fields, or `UNKNOWN` where the database may make another of it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import types
from sqlalchemy.engine import Dialect

from django_vortex.live.comparing import UNKNOWN

Fit: TypeAlias = Callable[[Any], Any]
"""Takes a value for a column, gives it as it is compared, or `UNKNOWN`."""

_EXACT_TEXTS: Final = frozenset({"postgresql", "sqlite"})
"""Where text is equal to nothing but itself unless a column has a collation or type of its own."""


def _fit_integer(value: Any) -> Any:
    return value if value is None or type(value) is int else UNKNOWN


def _fit_boolean(value: Any) -> Any:
    if value is None or type(value) is bool:
        return value
    return bool(value) if type(value) is int and value in (0, 1) else UNKNOWN


def _fit_uuid(value: Any) -> Any:
    if value is None or isinstance(value, UUID):  # asyncpg has a class of its own
        return value
    try:
        return UUID(value) if type(value) is str else UNKNOWN
    except ValueError:
        return UNKNOWN


def _fit_text(value: Any) -> Any:
    return value if value is None or type(value) is str else UNKNOWN


_FITS: Final[dict[type[Any], Fit]] = {
    **dict.fromkeys((types.Integer, types.SmallInteger, types.BigInteger), _fit_integer),
    **dict.fromkeys((types.INTEGER, types.SMALLINT, types.BIGINT), _fit_integer),
    **dict.fromkeys((types.Boolean, types.BOOLEAN), _fit_boolean),
    **dict.fromkeys((types.Uuid, types.UUID), _fit_uuid),
}
_TEXTS: Final = frozenset(
    {types.String, types.Text, types.Unicode, types.UnicodeText, types.VARCHAR, types.TEXT}
)


def find_fit(column_type: Any) -> Fit | None:
    """Return what fits the values of a type of integers, booleans or UUIDs; None for others."""
    kinds = [column_type, *getattr(column_type, "_variant_mapping", {}).values()]
    fits = {_FITS.get(type(kind)) for kind in kinds}
    return fits.pop() if len(fits) == 1 else None


def find_key_fit(column_type: Any, dialect: Dialect) -> Fit | None:
    """Return the same for the column of a primary key, which may be a text as well."""
    fit = find_fit(column_type)
    if fit is None and type(column_type) in _TEXTS and dialect.name in _EXACT_TEXTS:
        has_own = column_type.collation or getattr(column_type, "_variant_mapping", {})
        return None if has_own else _fit_text
    return fit


def is_untyped(column_type: Any) -> bool:
    """Return whether a parameter is sent as it is."""
    return type(column_type) is types.NullType
