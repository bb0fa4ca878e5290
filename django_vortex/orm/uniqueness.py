"""What no two rows of a table have together, as far as an order of writing depends on it.

Takes the values of a row, says what it takes away from all others.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from django_vortex.orm.conditions import AllOf, AnyOf, Comparison, Condition, Not, decide


@dataclass(frozen=True, slots=True)
class Unique:
    """Fields whose values are unique together, among all rows or those that meet a condition.

    Attributes:
        names: The fields.
        condition: Which rows; None is all, `Native` what nobody here can decide.
        condition_names: The fields that it looks at, as far as that is known.
    """

    names: tuple[str, ...]
    condition: Condition | None = None
    condition_names: tuple[str, ...] = ()

    @property
    def all_names(self) -> tuple[str, ...]:
        """The fields, with those of the condition."""
        return (*self.names, *self.condition_names)

    def value(self, values: Mapping[str, Any]) -> Hashable | None:
        """Return what a row takes away from others, None if nothing. Databases may ignore case."""
        parts = [values.get(name) for name in self.names]
        if None in parts or _verdict(self.condition, values) is False:
            return None
        return tuple(map(_to_compared, parts))


def _to_compared(part: Any) -> Hashable:
    if isinstance(part, str):
        return part.casefold()
    try:
        hash(part)
    except TypeError:
        return repr(part)
    return part  # type: ignore[no-any-return]


def _verdict(condition: Condition | None, values: Mapping[str, Any]) -> bool | None:
    """Return whether values that are all known meet a condition, None if only a database can."""
    match condition:
        case Comparison(field, "isnull", wanted):
            return (values.get(field) is None) is bool(wanted)
        case Comparison(field, "exact", None):
            return values.get(field) is None
        case Comparison(field, _, _) if values.get(field) is None:
            return False
        case AllOf(conditions):
            verdicts = [_verdict(one, values) for one in conditions]
            return False if False in verdicts else None if None in verdicts else True
        case AnyOf(conditions):
            verdicts = [_verdict(one, values) for one in conditions]
            return True if True in verdicts else None if None in verdicts else False
        case Not(inner):
            verdict = _verdict(inner, values)
            return None if verdict is None else not verdict
    return decide(condition, values.get)
