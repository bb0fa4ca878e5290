"""Values in statements of which the database finds out the type, by the column beside them."""

import decimal
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Float, Numeric, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType


class Untyped(FunctionElement[Any]):
    """A value as text, and as what stands for it where a driver takes no text for the type."""

    inherit_cache = True
    name = "untyped"
    type = NullType()


@compiles(Untyped)
def _write_value(element: Any, compiler: Any, **options: Any) -> str:
    return compiler.process(_choose(element.clauses, compiler), **options)  # type: ignore[no-any-return]


class IsOneOf(FunctionElement[Any]):
    """Whether a column has one of several such values."""

    inherit_cache = True
    name = "is_one_of"
    type = NullType()


@compiles(IsOneOf)
def _write_list(element: Any, compiler: Any, **options: Any) -> str:
    column, *values = element.clauses
    listed = compiler.process(_choose(values, compiler), **options)
    return f"{compiler.process(column, **options)} IN {listed}"


def bare(value: Any, *, is_list: bool = False) -> Any:
    """Return a parameter that no type is said of."""
    return bindparam(None, value, NullType(), expanding=is_list)


def to_untyped(column_type: Any, text: str) -> Untyped:
    """Return a value of a column.

    Raises:
        ValueError: The column has no such value.
    """
    make = _get_maker(column_type)
    return Untyped(bare(text)) if make is None else Untyped(bare(text), bare(make(text)))


def is_one_of(column: Any, column_type: Any, texts: Sequence[str]) -> IsOneOf:
    """Return whether a column has one of several values.

    Raises:
        ValueError: The column has no such values.
    """
    make = _get_maker(column_type)
    lists = [texts] if make is None else [texts, [make(text) for text in texts]]
    return IsOneOf(column, *(bare(one, is_list=True) for one in lists))


def _choose(given: Any, compiler: Any) -> Any:
    """Return the texts; asyncpg would want objects of the type of the column for them."""
    text, *objects = given
    is_asyncpg = getattr(compiler.dialect, "driver", "") == "asyncpg"
    return objects[0] if objects and is_asyncpg else text


def _get_maker(column_type: Any) -> Callable[[str], Any] | None:
    """Return what makes an object for asyncpg, None where it takes text."""
    if isinstance(column_type, Float):
        return float
    return _to_decimal if isinstance(column_type, Numeric) else None


def _to_decimal(text: str) -> decimal.Decimal:
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation as error:
        raise ValueError(text) from error
