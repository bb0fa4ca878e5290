"""Comparisons of columns with values as they are read, where reading changes them.

Takes a column, a look-up and a value, gives an expression. On PostgreSQL numbers and texts are
written as literals, which are of whatever type the column has: a REAL is no float of Python, CHAR
is filled with spaces. An interval counts a year as 365 days there, as all drivers do, where the
database takes 360. On SQLite it is one between two stored values.
"""

import datetime as dt
import decimal
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Double, Enum, Float, Numeric, String, and_, bindparam, cast, type_coerce
from sqlalchemy import types as sql_types
from sqlalchemy.dialects import registry
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from django_vortex.orm.read_ranges import (
    LOOKUPS,
    WITH_YEARS,
    Range,
    find_decimal_ranges,
    find_float_ranges,
    find_literal_ranges,
    find_text_ranges,
    join_alternatives,
    to_range,
)
from django_vortex.orm.sqlalchemy.postgres import get_plain_type
from django_vortex.orm.sqlalchemy.untyped import bare, is_one_of, to_untyped

_DIGITS = 15
"""Decimals of as many digits are the same again when floats were made of them."""

_SINGLE = 24
"""How many binary digits a float of four bytes has."""

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(\.\d{6})?")
"""What SQLAlchemy writes unless an application says otherwise."""

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda column, value: column == value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}


class _Alternatives(FunctionElement[Any]):
    """Conditions of which one has to be met, in groups."""

    inherit_cache = True
    name = "alternatives"
    type = sql_types.Boolean()


@compiles(_Alternatives)
def _write_alternatives(element: Any, compiler: Any, **options: Any) -> str:
    parts = [f"({compiler.process(one, **options)})" for one in element.clauses]
    return f"({join_alternatives(parts)})"


class _WithYears(FunctionElement[Any]):
    """An interval in which a year has 365 days."""

    inherit_cache = True
    name = "with_years"
    type = sql_types.NullType()


@compiles(_WithYears)
def _write_interval(element: Any, compiler: Any, **options: Any) -> str:
    return WITH_YEARS.format(compiler.process(element.clauses, **options))


class _AsWritten(FunctionElement[Any]):
    """A float of four bytes as drivers read it that take the text of it for one of eight."""

    inherit_cache = True
    name = "as_written"
    type = Double()


@compiles(_AsWritten)
def _write_float(element: Any, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    if compiler.dialect.driver == "asyncpg":
        return str(column)
    return f"CAST(CAST({column} AS TEXT) AS DOUBLE PRECISION)"


def _leave(column: Any) -> Any:
    """Return a column of which the type is nothing to go by."""
    return type_coerce(column, sql_types.NullType())


@dataclass(frozen=True, slots=True)
class _Comparing:
    """How columns of a type are compared.

    Attributes:
        find: Returns the ranges of a look-up; None where the usual comparison does.
        to_value: Makes the parameter of what ends a range.
        to_column: Makes what is compared of the column.
        takes_lists: Whether the parameters are literals, as `is_one_of` writes them.
    """

    find: Callable[[str, Any], list[Range] | None]
    to_value: Callable[[Any], Any]
    to_column: Callable[[Any], Any] = _leave
    takes_lists: bool = False


def compare_read(column: Any, lookup: str, values: Sequence[Any], dialect: str) -> Any:
    """Return the comparison of a column with values as they are read.

    Args:
        column: An attribute of a class.
        lookup: What is asked.
        values: What the database compares with: one, for ``in`` any number.
        dialect: The name of the database's dialect.

    Returns:
        None if the usual comparison does the same.
    """
    if lookup not in LOOKUPS or not values:
        return None
    kind = get_plain_type(column.type, dialect)
    comparing = _get_comparing(kind, dialect)
    if comparing is None:
        return None
    single = "exact" if lookup == "in" else lookup
    ranges: list[Range] = []
    for value in values:
        found = comparing.find(single, value)
        if found is None:
            return None
        ranges += found
    compared = comparing.to_column(column)
    if comparing.takes_lists and len(ranges) > 1:
        return is_one_of(compared, kind, [one.low for one in ranges])
    parts = [_write_range(compared, one, comparing.to_value) for one in ranges]
    return parts[0] if len(parts) == 1 else _Alternatives(*parts)


def _write_range(column: Any, found: Range, to_value: Callable[[Any], Any]) -> Any:
    return and_(*(_OPERATORS[sign](column, to_value(end)) for sign, end in found.limits))


def _get_comparing(kind: Any, dialect: str) -> _Comparing | None:
    if dialect == "postgresql":
        return _get_postgres_comparing(kind)
    return _get_sqlite_comparing(kind) if dialect == "sqlite" else None


def _get_postgres_comparing(kind: Any) -> _Comparing | None:
    if isinstance(kind, sql_types.Interval) or kind.__visit_name__ == "INTERVAL":
        return _Comparing(_find_same, lambda value: bindparam(None, value, kind), _WithYears)
    if isinstance(kind, String) and not isinstance(kind, Enum):
        return _Comparing(_find_same, partial(to_untyped, kind), takes_lists=True)
    if isinstance(kind, Float) and kind.asdecimal:
        to_value = partial(bindparam, None, type_=Double())
        is_single = kind.__visit_name__ == "REAL" or (kind.precision or 53) <= _SINGLE
        to_column = _AsWritten if is_single else _leave
        return _Comparing(partial(_find_decimals, kind), to_value, to_column)
    # In SQLAlchemy 2.0 a `Float` is a `Numeric`, too.
    is_numeric = isinstance(kind, Numeric) and not isinstance(kind, Float)
    if is_numeric and not kind.asdecimal and not _is_short(kind):
        return _Comparing(
            _find_same, partial(bindparam, None, type_=Double()), lambda one: cast(one, Double())
        )
    if isinstance(kind, Float | Numeric):
        return _Comparing(find_literal_ranges, partial(to_untyped, kind), takes_lists=True)
    return None


def _is_short(kind: Any) -> bool:
    return kind.precision is not None and kind.precision <= _DIGITS


def _get_sqlite_comparing(kind: Any) -> _Comparing | None:
    if isinstance(kind, Float | Numeric):
        if not kind.asdecimal:
            return _Comparing(find_float_ranges, bare)
        return _Comparing(partial(_find_decimals, kind), bare)
    if isinstance(kind, sql_types.DateTime | sql_types.Time | sql_types.Interval):
        write = _make_write(kind, "sqlite")
        return _Comparing(partial(_find_moments, write), bare)
    return None


def _find_same(lookup: str, value: Any) -> list[Range] | None:
    is_plain = isinstance(value, str | float | dt.timedelta)
    return [to_range(lookup, value, value)] if is_plain else None


def _find_decimals(kind: Any, lookup: str, value: Any) -> list[Range] | None:
    if not isinstance(value, decimal.Decimal):
        return None
    scale = kind._effective_decimal_return_scale

    def read(number: Any) -> decimal.Decimal:
        """Make the decimal of a row of the float that a driver gives."""
        return decimal.Decimal(f"{float(number):.{scale}f}")

    return find_decimal_ranges(lookup, value, scale, read)


def _find_moments(write: Callable[[Any], Any], lookup: str, value: Any) -> list[Range] | None:
    if not isinstance(value, dt.datetime | dt.time | dt.timedelta):
        return None
    text = write(value)
    is_usual = isinstance(text, str) and _MOMENT.fullmatch(text)
    return find_text_ranges(lookup, text) if is_usual else None


@lru_cache(maxsize=1024)
def _make_write(kind: Any, dialect: str) -> Callable[[Any], Any]:
    """Return what makes what the database has of a value."""
    found: Any = registry.load(dialect)()
    implementation = kind.dialect_impl(found)
    if getattr(implementation, "_reg", None) is not None:
        return lambda value: None  # texts of the application's own
    write: Callable[[Any], Any] = implementation.bind_processor(found)
    return write
