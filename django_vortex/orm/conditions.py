"""Which rows: conditions that both stores understand.

Takes fields, look-ups and values, gives frozen objects; a store makes a ``WHERE`` of them. None in
the place of a condition means all rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django_vortex.exceptions import DefinitionError, quoted

LOOKUPS = frozenset(
    {
        "exact",
        "in",
        "lt",
        "lte",
        "gt",
        "gte",
        "range",
        "isnull",
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "iexact",
    }
)
"""What may stand after ``__``; they mean what they mean in Django."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with a value.

    Attributes:
        field: The name of a field; in a scope also whatever the ORM can reach by ``__``.
        lookup: One of `LOOKUPS`. ``exact`` with None is ``isnull`` with True.
        value: For ``in`` a list, for ``range`` a pair, for ``isnull`` a bool.
    """

    field: str
    lookup: str
    value: Any


@dataclass(frozen=True, slots=True)
class AllOf:
    """Rows that meet every condition; without any, all rows."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Rows that meet at least one condition; without any, no row."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Rows for which a condition is not true, be it false or, for a NULL, unknown."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Native:
    """What only one ORM understands: a ``Q`` of Django, an expression of SQLAlchemy."""

    expression: Any


Condition: TypeAlias = Comparison | AllOf | AnyOf | Not | Native

NOTHING = AnyOf(())
"""No row at all."""


def to_condition(value: Any) -> Condition | None:
    """Give the condition that an application writes.

    Args:
        value: None for all rows, a mapping such as ``{"owner_id": 5, "due__lt": date}``, a
            condition, or an expression of the ORM.
    """
    if value is None or isinstance(value, Comparison | AllOf | AnyOf | Not | Native):
        return value
    if isinstance(value, Mapping):
        return all_of(to_comparison(name, operand) for name, operand in value.items())
    if isinstance(value, bool):
        raise DefinitionError(f"A condition is no {quoted(value)}; None is all rows, NOTHING none")
    return Native(value)


def to_comparison(name: str, value: Any) -> Comparison:
    """Give the comparison that ``field__lookup`` names; without look-up it is ``exact``."""
    field, separator, lookup = name.rpartition("__")
    if separator and lookup in LOOKUPS:
        return Comparison(field, lookup, value)
    return Comparison(name, "exact", value)


def all_of(conditions: Iterable[Condition | None]) -> Condition | None:
    """Join conditions by *and*; None if they let every row through."""
    wanted = [one for one in conditions if one is not None]
    if not wanted:
        return None
    return wanted[0] if len(wanted) == 1 else AllOf(tuple(wanted))


def any_of(conditions: Iterable[Condition | None]) -> Condition | None:
    """Join conditions by *or*; None if one of them lets every row through."""
    wanted = list(conditions)
    if None in wanted:
        return None
    some = tuple(one for one in wanted if one is not None and one != NOTHING)
    return some[0] if len(some) == 1 else AnyOf(some)


def none_of(condition: Condition | None) -> Condition | None:
    """Negate a condition."""
    if condition is None:
        return NOTHING
    if isinstance(condition, Not):
        return condition.condition
    return None if condition == NOTHING else Not(condition)
