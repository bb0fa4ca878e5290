"""Comparisons of Django fields with values as they are read, where reading changes them.

Takes a field, a look-up and a value, gives a condition on what the column has. On PostgreSQL a
number is written as a literal, which is of whatever type the column has: a REAL is no float of
Python. An interval counts a year as 365 days there, as its driver does, where the database takes
360. On SQLite it is one between two stored values.
"""

import datetime as dt
import decimal
from collections.abc import Callable, Sequence
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.duration import duration_microseconds

from django_vortex.orm.read_ranges import (
    LOOKUPS,
    WITH_YEARS,
    Range,
    find_decimal_ranges,
    find_float_ranges,
    find_literal_ranges,
    find_text_ranges,
    get_number_range,
    join_alternatives,
    to_range,
)

_DAY = "({0})::date"
"""Of a column of dates, PostgreSQL leaves that out."""


class _InRanges(models.Func):
    """Whether what a column has is in one of some ranges; not true for NULL, where that may be."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(
        self,
        column: Any,
        ranges: Sequence[Range],
        template: str = "{0}",
        placeholder: str = "%s",
    ) -> None:
        super().__init__(column)
        self.ranges = tuple(ranges)
        self.column_template = template
        self.placeholder = placeholder

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        [source] = self.get_source_expressions()
        sql, parameters = compiler.compile(source)
        column = self.column_template.format(sql)
        times = self.column_template.count("{0}")
        parts, values = [], list(parameters)
        limits = [one.limits for one in self.ranges]
        if len(limits) > 1 and all(one[0][0] == "=" for one in limits):
            listed = ", ".join(self.placeholder for _ in limits)
            ends = [end for [(_, end)] in limits]
            values += [*(list(parameters) * times), *ends]
            return f"({sql} IS NOT NULL AND {column} IN ({listed}))", values
        for one in limits:
            parts.append(" AND ".join(f"{column} {sign} {self.placeholder}" for sign, _ in one))
            for _, end in one:
                values += [*(list(parameters) * times), end]
        return f"({sql} IS NOT NULL AND ({join_alternatives(parts)}))", values


def compare_read(field: Any, lookup: str, value: Any, connection: Any) -> Q | None:
    """Return the comparison of a field with a value as it is read; None if that is the usual one.

    Args:
        field: Of the model that is filtered.
        lookup: What is asked.
        value: As the field has it; for ``in`` several.
        connection: The connection to the database.
    """
    if lookup not in LOOKUPS:
        return None
    target = field.target_field if field.is_relation else field
    target = getattr(target, "output_field", target)
    kinds = _FINDERS.get(connection.vendor, {})
    find: Any = next((kinds[base] for base in type(target).__mro__ if base in kinds), None)
    is_array = lookup != "exact" and connection.vendor == "postgresql" and _is_array(target)
    if find is None and not is_array:
        return None
    if lookup == "in" and not isinstance(value, list | tuple | set | frozenset):
        return None  # a queryset, which is not to be evaluated
    values = [one for one in value if one is not None] if lookup == "in" else [value]
    if is_array:
        return _compare_array(field, target, lookup, values, connection)
    single = "exact" if lookup == "in" else lookup
    found = [find(field, target, connection, single, one) for one in values]
    if not found or None in found:
        return None
    template = _TEMPLATES.get(find, "{0}")
    ranges = [one for some in found for one in some]
    return Q(_InRanges(F(field.attname if field.is_relation else field.name), ranges, template))


def _is_array(target: Any) -> bool:
    return isinstance(getattr(target, "base_field", None), models.Field) and hasattr(target, "size")


def _compare_array(
    field: Any, target: Any, lookup: str, values: Sequence[Any], connection: Any
) -> Q | None:
    """Compare with an array of the same type, which Django says with equality alone."""
    if not values or not all(isinstance(one, list | tuple) for one in values):
        return None
    placeholder = f"%s::{target.db_type(connection)}"
    single = "exact" if lookup == "in" else lookup
    prepared = [target.get_db_prep_value(one, connection) for one in values]
    found = [to_range(single, one, one) for one in prepared]
    return Q(_InRanges(F(field.name), found, placeholder=placeholder))


def _find_literals(field: Any, target: Any, connection: Any, lookup: str, value: Any) -> Any:
    return find_literal_ranges(lookup, value)


def _find_intervals(field: Any, target: Any, connection: Any, lookup: str, value: Any) -> Any:
    return [to_range(lookup, value, value)] if isinstance(value, dt.timedelta) else None


def _find_days(field: Any, target: Any, connection: Any, lookup: str, value: Any) -> Any:
    if not isinstance(value, dt.date) or isinstance(target, models.DateTimeField):
        return None
    return [to_range(lookup, value, value)]


def _find_decimals(field: Any, target: Any, connection: Any, lookup: str, value: Any) -> Any:
    if hasattr(target, "from_db_value") or not isinstance(value, decimal.Decimal | int | float):
        return None
    scale = getattr(target, "decimal_places", None) or 0
    return find_decimal_ranges(lookup, decimal.Decimal(value), scale, _make_read(field, connection))


def _find_floats(field: Any, target: Any, connection: Any, lookup: str, value: Any) -> Any:
    return find_float_ranges(lookup, value)


def _find_durations(field: Any, target: Any, connection: Any, lookup: str, value: Any) -> Any:
    if not isinstance(value, dt.timedelta):
        return None
    number = duration_microseconds(value)
    near = number - 0.5, number + 0.5
    return [get_number_range(lookup, number, round, near)]


def _find_moments(field: Any, target: Any, connection: Any, lookup: str, value: Any) -> Any:
    if not isinstance(value, dt.datetime | dt.time):
        return None
    text = target.get_db_prep_value(value, connection)
    return find_text_ranges(lookup, text) if isinstance(text, str) else None


def _make_read(field: Any, connection: Any) -> Callable[[Any], Any]:
    """Return what makes the value of a row of what the driver gives."""
    column = field.get_col(field.model._meta.db_table)
    converters = [
        *connection.ops.get_db_converters(column),
        *column.get_db_converters(connection),
    ]

    def read(value: Any) -> Any:
        for convert in converters:
            value = convert(value, column, connection)
        return value

    return read


_FINDERS: "dict[str, dict[Any, Any]]" = {
    "postgresql": {
        models.FloatField: _find_literals,
        models.DecimalField: _find_literals,
        models.DurationField: _find_intervals,
        models.DateField: _find_days,
    },
    "sqlite": {
        models.DecimalField: _find_decimals,
        models.FloatField: _find_floats,
        models.DurationField: _find_durations,
        models.DateTimeField: _find_moments,
        models.TimeField: _find_moments,
    },
}

_TEMPLATES = {_find_intervals: WITH_YEARS, _find_days: _DAY}
