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
    EXACT,
    LOOKUPS,
    Range,
    find_number_range,
    find_text_ranges,
    spell_number,
    to_range,
)
from django_vortex.orm.sqlalchemy.postgres import find_plain_type
from django_vortex.orm.sqlalchemy.untyped import bare, is_one_of, to_untyped

_CHUNK = 50
"""How many alternatives stand side by side; SQLite takes no expression of depth 1000."""

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
    chunks = [parts[start : start + _CHUNK] for start in range(0, len(parts), _CHUNK)]
    return "(" + " OR ".join(f"({' OR '.join(chunk)})" for chunk in chunks) + ")"


class _WithYears(FunctionElement[Any]):
    """An interval in which a year has 365 days."""

    inherit_cache = True
    name = "with_years"
    type = sql_types.NullType()


@compiles(_WithYears)
def _write_interval(element: Any, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"({column} + make_interval(days => 5 * EXTRACT(YEAR FROM {column})::int))"


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
    kind = find_plain_type(column.type, dialect)
    comparing = _find_comparing(kind, dialect)
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


def _find_comparing(kind: Any, dialect: str) -> _Comparing | None:
    if dialect == "postgresql":
        return _find_postgres_comparing(kind)
    return _find_sqlite_comparing(kind) if dialect == "sqlite" else None


def _find_postgres_comparing(kind: Any) -> _Comparing | None:
    if isinstance(kind, sql_types.Interval) or kind.__visit_name__ == "INTERVAL":
        return _Comparing(_find_same, lambda value: bindparam(None, value, kind), _WithYears)
    if isinstance(kind, String) and not isinstance(kind, Enum):
        return _Comparing(_find_same, partial(to_untyped, kind), takes_lists=True)
    if isinstance(kind, Float) and kind.asdecimal:
        read, scale = _make_read(kind), kind._effective_decimal_return_scale
        to_value = partial(bindparam, None, type_=Double())
        is_single = kind.__visit_name__ == "REAL" or (kind.precision or 53) <= _SINGLE
        to_column = _AsWritten if is_single else _leave
        return _Comparing(partial(_find_decimals, read, scale), to_value, to_column)
    if isinstance(kind, Numeric) and not kind.asdecimal and not _is_short(kind):
        return _Comparing(
            _find_same, partial(bindparam, None, type_=Double()), lambda one: cast(one, Double())
        )
    if isinstance(kind, Float | Numeric):
        return _Comparing(_find_literals, partial(to_untyped, kind), takes_lists=True)
    return None


def _is_short(kind: Any) -> bool:
    return kind.precision is not None and kind.precision <= _DIGITS


def _find_sqlite_comparing(kind: Any) -> _Comparing | None:
    if isinstance(kind, Float | Numeric):
        if not kind.asdecimal:
            return _Comparing(_find_floats, bare)
        read, scale = _make_read(kind), kind._effective_decimal_return_scale
        return _Comparing(partial(_find_decimals, read, scale), bare)
    if isinstance(kind, sql_types.DateTime | sql_types.Time | sql_types.Interval):
        write = _make_write(kind, "sqlite")
        return _Comparing(partial(_find_moments, write), bare)
    return None


def _find_same(lookup: str, value: Any) -> list[Range] | None:
    is_plain = isinstance(value, str | float | dt.timedelta)
    return [to_range(lookup, value, value)] if is_plain else None


def _find_literals(lookup: str, value: Any) -> list[Range] | None:
    literal = spell_number(value)
    return None if literal is None else [to_range(lookup, literal, literal)]


def _find_floats(lookup: str, value: Any) -> list[Range] | None:
    if not isinstance(value, float) or not EXACT <= abs(value) < 2.0**64:
        return None  # every number is a float
    return [find_number_range(lookup, value, float, (value, value))]


def _find_decimals(
    read: Callable[[Any], Any], scale: int, lookup: str, value: Any
) -> list[Range] | None:
    if not isinstance(value, decimal.Decimal) or not value.is_finite():
        return None
    half = decimal.Decimal(5).scaleb(-scale - 1)
    near = float(value - half), float(value + half)
    return [find_number_range(lookup, value, read, near)]


def _find_moments(write: Callable[[Any], Any], lookup: str, value: Any) -> list[Range] | None:
    if not isinstance(value, dt.datetime | dt.time | dt.timedelta):
        return None
    text = write(value)
    is_usual = isinstance(text, str) and _MOMENT.fullmatch(text)
    return find_text_ranges(lookup, text) if is_usual else None


def _make_read(kind: Any) -> Callable[[Any], Any]:
    """Return what makes the Decimal of a row of the float that a driver gives."""
    scale = kind._effective_decimal_return_scale
    return lambda number: decimal.Decimal(f"{float(number):.{scale}f}")


@lru_cache(maxsize=1024)
def _make_write(kind: Any, dialect: str) -> Callable[[Any], Any]:
    """Return what makes what the database has of a value."""
    found: Any = registry.load(dialect)()
    implementation = kind.dialect_impl(found)
    if getattr(implementation, "_reg", None) is not None:
        return lambda value: None  # texts of the application's own
    write: Callable[[Any], Any] = implementation.bind_processor(found)
    return write
