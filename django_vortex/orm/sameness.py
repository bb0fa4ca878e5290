"""Whether a value that came back is the one that was sent.

Takes what a row has and what a peer sent, gives a bool. Released clients keep less than we send:
milliseconds of a datetime, the float of a Decimal or of a timedelta. What only lost that has not
been changed.
"""

import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Mapping
from typing import Any

from django_vortex.tuples import Tuple

MILLISECOND = dt.timedelta(milliseconds=1)

_PLAIN = frozenset({str, int, bool, bytes, dt.date, uuid.UUID})
"""Types whose values are the same for every peer if they are equal; by far the most."""

_EXACT = frozenset({dt.datetime, dt.time, dt.timedelta})
"""Types of which that is true for peers that keep all there is."""


def is_same_set(ours: Any, theirs: Any) -> bool:
    """Return whether a peer sent back the same keys, in whichever order."""
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return False
    return all(map(is_hashable, theirs)) and set(ours) == set(theirs)


def is_hashable(value: Any) -> bool:
    """Return whether a value may be a key; lists are none, and neither is a ``Decimal("sNaN")``."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_same(ours: Any, theirs: Any, *, exact: bool) -> bool:
    """Return whether a peer sent back what it was given.

    Args:
        ours: The value of the row; related rows are dicts.
        theirs: The value that came.
        exact: Whether the peer keeps all there is, as our own clients do.
    """
    if ours is theirs:
        return True
    kind = type(ours)
    if kind is type(theirs) and (kind in _PLAIN or (exact and kind in _EXACT)):
        return bool(ours == theirs)
    if isinstance(theirs, Tuple) and isinstance(ours, Mapping):
        names = type(theirs).__tuple_fields__
        return all(is_same(ours.get(n), getattr(theirs, n), exact=exact) for n in names)
    if isinstance(ours, Mapping) and _is_record(theirs):
        values = vars(theirs)
        return all(is_same(ours[n], values.get(n), exact=exact) for n in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(
            is_same(one, other, exact=exact) for one, other in zip(ours, theirs, strict=True)
        )
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            is_same(value, theirs[key], exact=exact) for key, value in ours.items()
        )
    if isinstance(ours, enum.Enum) and not isinstance(theirs, enum.Enum):
        ours = ours.value  # as a default of choices is
    if isinstance(ours, bool) is not isinstance(theirs, bool):
        return False
    if isinstance(ours, str) and isinstance(theirs, str):
        return ours == theirs  # of whichever class: it travels as text
    if exact and type(ours) is not type(theirs):
        return False
    if _is_nan(ours) or _is_nan(theirs):
        return _is_nan(ours) and _is_nan(theirs)
    try:
        return _is_equal(ours, theirs) if exact else _is_near(ours, theirs)
    except ArithmeticError:  # a Decimal("sNaN") cannot even be compared
        return False


def _is_record(value: Any) -> bool:
    """Tell an instance of a model or dataclass, which a related row is where that travels."""
    return not isinstance(value, Mapping | enum.Enum) and hasattr(value, "__dict__")


def _is_nan(value: Any) -> bool:
    if isinstance(value, decimal.Decimal):
        return value.is_qnan()
    return isinstance(value, float) and math.isnan(value)


def _is_equal(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and not ours:
        return theirs == ours and math.copysign(1, ours) == math.copysign(1, theirs)
    return bool(ours == theirs)


def _is_near(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, dt.datetime) and isinstance(theirs, dt.datetime):
        return abs(_with_zone(ours) - _with_zone(theirs)) < MILLISECOND
    if isinstance(ours, dt.timedelta) and isinstance(theirs, dt.timedelta):
        return ours.total_seconds() == theirs.total_seconds()
    if isinstance(ours, decimal.Decimal) and isinstance(theirs, decimal.Decimal):
        return ours == theirs or float(ours) == float(theirs)
    return bool(ours == theirs)


def _with_zone(value: dt.datetime) -> dt.datetime:
    """Return a datetime as released clients see it: what says no zone is UTC."""
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
