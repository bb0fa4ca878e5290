"""Whether a value that came back is the one that was sent.

Takes what a row has and what a peer sent, gives a bool. Released clients keep less than we send:
milliseconds of a datetime, the float of a Decimal. What only lost that has not been changed.
"""

import datetime as dt
import decimal
from collections.abc import Mapping
from typing import Any

from django_vortex.tuples import Tuple

MILLISECOND = dt.timedelta(milliseconds=1)


def is_same(ours: Any, theirs: Any, *, exact: bool) -> bool:
    """Say whether a peer sent back what it was given.

    Args:
        ours: The value of the row; related rows are dicts.
        theirs: The value that came.
        exact: Whether the peer keeps all there is, as our own clients do.
    """
    if ours is theirs:
        return True
    if isinstance(theirs, Tuple) and isinstance(ours, Mapping):
        names = type(theirs).__tuple_fields__
        return all(is_same(ours.get(n), getattr(theirs, n), exact=exact) for n in names)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(
            is_same(one, other, exact=exact) for one, other in zip(ours, theirs, strict=True)
        )
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            is_same(value, theirs[name], exact=exact) for name, value in ours.items()
        )
    if isinstance(ours, bool) is not isinstance(theirs, bool):
        return False
    if exact and type(ours) is not type(theirs):
        return False
    try:
        return bool(ours == theirs) if exact else _is_near(ours, theirs)
    except ArithmeticError:  # a Decimal("sNaN") cannot even be compared
        return False


def _is_near(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, dt.datetime) and isinstance(theirs, dt.datetime):
        if (ours.tzinfo is None) is not (theirs.tzinfo is None):
            return False
        return abs(ours - theirs) < MILLISECOND
    if isinstance(ours, decimal.Decimal) and isinstance(theirs, decimal.Decimal):
        return ours == theirs or float(ours) == float(theirs)
    return bool(ours == theirs)
