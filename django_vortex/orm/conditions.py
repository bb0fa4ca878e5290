"""Which rows: conditions that both stores understand.

Takes fields, look-ups and values, gives frozen objects; a store makes a ``WHERE`` of them. None in
the place of a condition means all rows.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django_vortex.exceptions import DefinitionError, ValidationError, quoted
from django_vortex.routing.scope import JoinedScope

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
class Stored:
    """A value as the database itself writes it, in the place of `Comparison.value`.

    Values that were read may not equal what the database compares: a REAL, an interval of months, a
    date that somebody else has spelled. What `Rows.place` returns does.
    """

    value: Any

    def fits(self, database: str) -> bool:
        """Return whether it may come from such a database, and not from a peer that made it up."""
        if database == "sqlite" and isinstance(self.value, int) and self.value.bit_length() > 63:
            return False
        return isinstance(self.value, _WRITTEN.get(database, object))


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

_WRITTEN: "Mapping[str, Any]" = {"postgresql": str, "sqlite": (str, int, float, bytes)}

NOTHING = AnyOf(())
"""No row at all."""


class UnfitOperand(ValidationError):
    """A value that a field cannot be compared with.

    Args:
        comparison: What cannot be.
        text: Why.
    """

    def __init__(self, comparison: Comparison, text: str) -> None:
        super().__init__(f"{comparison.field}: {text}")
        self.comparison = comparison
        self.reason = text


def to_condition(value: Any) -> Condition | None:
    """Return the condition that an application writes.

    Args:
        value: None for all rows, a mapping such as ``{"owner_id": 5, "due__lt": date}``, a
            condition, an expression of the ORM, or several of them joined by permissions.
    """
    if value is None or isinstance(value, Comparison | AllOf | AnyOf | Not | Native):
        return value
    if isinstance(value, JoinedScope):
        return _JOINS[value.how](to_condition(scope) for scope in value.scopes)
    if isinstance(value, Mapping):
        return all_of(to_comparison(name, operand) for name, operand in value.items())
    if isinstance(value, bool):
        raise DefinitionError(f"A condition is no {quoted(value)}; None is all rows, NOTHING none")
    return Native(value)


def to_comparison(name: str, value: Any) -> Comparison:
    """Return the comparison that ``field__lookup`` names; without look-up it is ``exact``."""
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


def _negate_one(conditions: Iterable[Condition | None]) -> Condition | None:
    [condition] = conditions
    return none_of(condition)


_JOINS: Mapping[str, Callable[[Iterable[Condition | None]], Condition | None]] = {
    "all": all_of,
    "any": any_of,
    "not": _negate_one,
}


def is_same_condition(one: Condition | None, other: Condition | None) -> bool:
    """Return whether two conditions are known to let the same rows through."""
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Native):
        return False  # expressions of an ORM have an equality of their own
    if isinstance(one, AllOf | AnyOf) and isinstance(other, AllOf | AnyOf):
        is_as_long = len(one.conditions) == len(other.conditions)
        pairs = zip(one.conditions, other.conditions, strict=False)
        return is_as_long and all(is_same_condition(*pair) for pair in pairs)
    if isinstance(one, Not) and isinstance(other, Not):
        return is_same_condition(one.condition, other.condition)
    return one == other


def decide(condition: Condition | None, read: Callable[[str], Any]) -> bool | None:
    """Return whether a row that is not written yet meets a condition.

    Args:
        condition: Which rows.
        read: Gives the value of a field, None for a field that cannot be known.

    Returns:
        None where only the database can tell, as of what a relation leads to, of NULL, and of texts
        that it may take for the same.
    """
    match condition:
        case None:
            return True
        case Comparison(field, "exact", value):
            return _is_equal(read(field), value)
        case Comparison(field, "in", values) if isinstance(values, list | tuple | set | frozenset):
            known = read(field)
            return _decide_any([_is_equal(known, value) for value in values])
        case AllOf(conditions):
            verdicts = [decide(one, read) for one in conditions]
            return False if False in verdicts else None if None in verdicts else True
        case AnyOf(conditions):
            return _decide_any([decide(one, read) for one in conditions])
        case Not(inner):
            verdict = decide(inner, read)
            return None if verdict is None else not verdict
    return None


def _decide_any(verdicts: list[bool | None]) -> bool | None:
    return True if True in verdicts else None if None in verdicts else False


def _is_equal(one: Any, other: Any) -> bool | None:
    if type(one) is not type(other):
        return None
    if isinstance(one, int | uuid.UUID):
        return bool(one == other)
    if isinstance(one, str) and one.isascii() and other.isascii():
        # Collations ignore case, and CHAR its padding.
        return None if one.rstrip().casefold() == other.rstrip().casefold() else False
    return None
