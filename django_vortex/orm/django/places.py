"""Places of Django rows in an order: values by which the database orders, as it writes them.

Takes orders, gives what a queryset is annotated with, and comparisons with what came of that. What
Django makes of a value may not equal what the database compares: a REAL is not the float it is read
as, a decimal of SQLite is a float, and a text that somebody else wrote may be another spelling of
the same moment. PostgreSQL writes every value as text from which it makes the same one again, and
takes such a text for whatever type the column has. SQLite compares by what is stored, whatever was
declared; a sign before the column keeps its driver from making anything else of it.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import F, Field, Func, Model, Q, QuerySet, Value
from django.db.models.lookups import Exact, GreaterThan, LessThan

from django_vortex.orm.conditions import Stored
from django_vortex.orm.store import Order, RefusedByDatabase

_LOOKUPS = {"exact": Exact, "lt": LessThan, "gt": GreaterThan}


class _AsStored(Func):
    """A column as the database has it."""

    template = "%(expressions)s"
    output_field = Field()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s)::text", **extra)


class _StoredValue(Value):
    """A value of a place, which a peer may have made up."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not Stored(self.value).fits(connection.vendor):
            raise RefusedByDatabase("No row can be at this place")
        return super().as_sql(compiler, connection)


def place_names(order: Sequence[Order]) -> list[str]:
    """Return under which attributes the rows have their places."""
    return [f"_vortex_place_{index}" for index in range(len(order))]


def with_places(queryset: QuerySet[Any], order: Sequence[Order]) -> QuerySet[Any]:
    """Return a queryset whose rows have their places."""
    columns = (_AsStored(F(one.name)) for one in order)
    found: QuerySet[Any] = queryset.annotate(**dict(zip(place_names(order), columns, strict=True)))
    return found


def read_place(row: Model) -> list[Any]:
    """Return the place of a row of such a queryset."""
    place: list[Any] = []
    known = vars(row)
    while (name := f"_vortex_place_{len(place)}") in known:
        place.append(known[name])
    return place


def compare_stored(name: str, lookup: str, stored: Stored) -> Q:
    """Return the comparison of a column with a value of a place."""
    return Q(_LOOKUPS[lookup](F(name), _StoredValue(stored.value, output_field=Field())))
