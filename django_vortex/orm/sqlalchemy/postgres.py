"""What the values of types are that only PostgreSQL has, and which of them cannot travel.

Takes the type of a column, gives a `ColumnValues`, or the reason why there is none. The types are
known by what SQLAlchemy calls them, so that its dialect need not be imported.
"""

from typing import Any

from sqlalchemy import types

from django_vortex.orm.sqlalchemy.column_values import ColumnValues, UnfitValue, fit_text
from django_vortex.orm.sqlalchemy.tracked import to_plain

_DIALECT = "sqlalchemy.dialects.postgresql."

_RANGES = frozenset({"AbstractRange", "AbstractSingleRange", "AbstractMultiRange"})

_ADDRESSES = frozenset({"INET", "CIDR", "MACADDR", "MACADDR8"})
"""Types that some drivers give objects of their own for."""

_TEXTS = frozenset({"TSVECTOR", "TSQUERY", "MONEY", "REGCLASS", "REGCONFIG", "JSONPATH"})
"""Types whose values are text to SQLAlchemy and every driver."""

_READING = ("process_result_value", "result_processor")
_WRITING = ("process_bind_param", "bind_processor")

_OID_LIMIT = 1 << 32


def describe_postgres(column_type: Any) -> ColumnValues | None:
    """Return what the values of a column are, None if its type is none of these."""
    name = type(column_type).__visit_name__
    if name in _ADDRESSES:
        return ColumnValues(str, export=str, fit=fit_text)
    if not _is_of_dialect(column_type):
        return None
    if name in _TEXTS:
        # The text is not what is compared.
        return ColumnValues(str, fit=fit_text, is_ordered=False, is_comparable=False)
    if name == "OID":
        return ColumnValues(int, fit=_fit_oid)
    if name == "HSTORE":
        return ColumnValues(is_raw=True, export=to_plain, fit=_fit_store, is_ordered=False)
    return None


def get_refusal(column_type: Any) -> str:
    """Return why the values of a column cannot travel, nothing if they can."""
    for variant in getattr(column_type, "_variant_mapping", {}).values():
        refusal = get_refusal(variant)
        if refusal:
            return refusal
    if isinstance(column_type, types.ARRAY):
        return get_refusal(column_type.item_type)
    if isinstance(column_type, types.TypeDecorator):
        return "" if _converts(column_type, *_READING) else get_refusal(column_type.impl_instance)
    kind = type(column_type)
    if any(base.__name__ in _RANGES and _is_ours(base) for base in kind.__mro__):
        return f"is of type {kind.__name__}, and ranges cannot travel"
    if kind.__visit_name__ == "BIT" and _is_of_dialect(column_type):
        return "is of type BIT, and strings of bits cannot travel"
    return ""


def get_plain_type(column_type: Any, dialect: str) -> Any:
    """Return the type of a column without what says no more than its name."""
    found = getattr(column_type, "_variant_mapping", {}).get(dialect)
    if found is not None:
        return get_plain_type(found, dialect)
    if type(column_type).__visit_name__ == "DOMAIN":
        return get_plain_type(column_type.data_type, dialect)
    if isinstance(column_type, types.TypeDecorator) and not is_converting(column_type):
        return get_plain_type(column_type.impl_instance, dialect)
    return column_type


def is_converting(decorator: Any) -> bool:
    """Return whether a decorator makes other values of those of its column, either way."""
    return _converts(decorator, *_READING, *_WRITING)


def _is_of_dialect(column_type: Any) -> bool:
    return any(map(_is_ours, type(column_type).__mro__))


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith(_DIALECT)


def _converts(decorator: Any, *names: str) -> bool:
    base = types.TypeDecorator
    return any(getattr(type(decorator), name) is not getattr(base, name) for name in names)


def _fit_oid(value: int, dialect: str) -> int:
    if not 0 <= value < _OID_LIMIT:
        raise UnfitValue(f"Expected a whole number from 0 to {_OID_LIMIT - 1}")
    return value


def _fit_store(value: object, dialect: str) -> object:
    if not isinstance(value, dict):
        raise UnfitValue("Expected an object of texts")
    for key, item in value.items():
        if not isinstance(item, str | None):
            raise UnfitValue("Expected an object of texts")
        fit_text(key, dialect)
        fit_text(item or "", dialect)
    return value
