"""What a condition means, in plain Python: the other reading that tests compare with.

Takes a condition and the values of a row, says whether the row meets it. As in SQL nothing that is
compared with None is true; `Native` holds a function of the values.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django_vortex.orm.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Native,
    Not,
    Stored,
)

_LOOKUPS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": lambda value, operand: value == operand,
    "in": lambda value, operand: value in operand,
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
    "range": lambda value, operand: operand[0] <= value <= operand[1],
    "contains": lambda value, operand: operand in value,
    "icontains": lambda value, operand: operand.lower() in value.lower(),
    "startswith": lambda value, operand: value.startswith(operand),
    "istartswith": lambda value, operand: value.lower().startswith(operand.lower()),
    "endswith": lambda value, operand: value.endswith(operand),
    "iendswith": lambda value, operand: value.lower().endswith(operand.lower()),
    "iexact": lambda value, operand: value.lower() == operand.lower(),
}


def meets(condition: Condition | None, values: Mapping[str, Any]) -> bool:
    """Return whether a row is among those of a condition; None is all rows."""
    match condition:
        case None:
            return True
        case AllOf(conditions):
            return all(meets(one, values) for one in conditions)
        case AnyOf(conditions):
            return any(meets(one, values) for one in conditions)
        case Not(inner):
            return not meets(inner, values)
        case Native(expression):
            return bool(expression(values))
        case Comparison(field, lookup, operand):
            return _compares(values[field], lookup, operand)


def _compares(value: Any, lookup: str, operand: Any) -> bool:
    if isinstance(operand, Stored):
        operand = operand.value
    if lookup == "isnull":
        return (value is None) is operand
    if lookup == "exact" and operand is None:
        return value is None
    return value is not None and operand is not None and _LOOKUPS[lookup](value, operand)
