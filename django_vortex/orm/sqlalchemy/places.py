"""Places of SQLAlchemy rows in an order: values by which the database orders, as it writes them.

Takes columns, gives what is selected beside a row, and comparisons with what came of that. What a
type makes of a value may not equal what the database compares: a REAL is not the float it is read
as, and a decimal of SQLite is a float. PostgreSQL writes every value as text from which it makes
the same one again. SQLite compares by what is stored, whatever was declared; a sign before the
column keeps its driver from making anything else of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Float, Numeric, Text, bindparam, cast, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Enum, NullType, String

from django_vortex.orm.conditions import Stored
from django_vortex.orm.sqlalchemy.untyped import Untyped, bare, to_untyped
from django_vortex.orm.store import RefusedByDatabase

_PLACE = "_vortex_place"

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "exact": lambda column, value: column == value,
    "lt": lambda column, value: column < value,
    "gt": lambda column, value: column > value,
}


class _AsStored(FunctionElement[Any]):
    """A column as the database has it."""

    inherit_cache = True
    name = "as_stored"
    type = NullType()


@compiles(_AsStored)
def _write_column(element: Any, compiler: Any, **options: Any) -> str:
    return compiler.process(element.clauses, **options)  # type: ignore[no-any-return]


@compiles(_AsStored, "sqlite")
def _write_sqlite_column(element: Any, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(_AsStored, "postgresql")
def _write_postgresql_column(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS TEXT)"


def select_places(columns: Sequence[Any]) -> list[Any]:
    """Return what a statement selects in addition, in the order of the columns."""
    found = [_AsStored(type_coerce(column, NullType())) for column in columns]
    return [one.label(f"{_PLACE}_{index}") for index, one in enumerate(found)]


def keep_place(row: Any, place: Sequence[Any]) -> None:
    """Keep the place of an instance that was found."""
    vars(row)[_PLACE] = tuple(place)


def read_place(row: Any) -> Sequence[Any]:
    """Return the place of an instance."""
    place: Sequence[Any] = vars(row)[_PLACE]
    return place


def compare_stored(column: Any, lookup: str, stored: Stored, dialect: str) -> Any:
    """Return the comparison of a column with a value of a place.

    Raises:
        RefusedByDatabase: It is no such value, since a peer made it up.
    """
    if not stored.fits(dialect):
        raise RefusedByDatabase("No row can be at this place")
    compared = type_coerce(column, NullType())
    if dialect != "postgresql":
        return _COMPARE[lookup](compared, bare(stored.value))
    if isinstance(column.type, (String, Enum, Float, Numeric)):
        try:
            return _COMPARE[lookup](compared, to_untyped(column.type, stored.value))
        except ValueError:
            raise RefusedByDatabase("No row can be at this place") from None
    typed = cast(bindparam(None, stored.value, Text()), column.type)
    return _COMPARE[lookup](compared, Untyped(bare(stored.value), typed))
