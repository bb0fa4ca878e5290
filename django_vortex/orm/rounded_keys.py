"""Rows whose primary key the database has more exactly than it is read.

Takes keys that no row has to the last digit, finds the rows of which they were read. Such a row can
be read, but a statement that writes it would not find it.
"""

import datetime as dt
import decimal
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import AllOf, AnyOf, Comparison, Condition
from django_vortex.orm.store import Key

_TYPES = frozenset({float, decimal.Decimal, dt.datetime, dt.time, dt.timedelta})
"""Those of which reading may round."""

_MARK = "_vortex_rounded_key"

_CHUNK = 100


def may_round(types: Iterable[object]) -> bool:
    """Return whether reading may round a key of such types."""
    return not _TYPES.isdisjoint(types)


def find_rounded(
    names: Sequence[str],
    keys: Sequence[Key],
    find: Callable[[Condition], Iterable[Any]],
    read_key: Callable[[Any], Key],
) -> dict[Key, Any]:
    """Return the rows whose keys are read as these.

    Args:
        names: The fields of the key.
        keys: Those which no row has exactly.
        find: Returns the rows that meet a condition.
        read_key: Returns the key of a row as it is read.
    """
    found = {}
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        for row in find(AnyOf(tuple(_is_key(names, key) for key in chunk))):
            vars(row)[_MARK] = True
            found[read_key(row)] = row
    return {key: found[key] for key in keys if key in found}


def check_key(row: Any, label: str) -> None:
    """Look whether the database finds a row by its key.

    Raises:
        DefinitionError: It does not.
    """
    if _MARK in vars(row):
        raise DefinitionError(
            f"{label} has a primary key that is rounded when it is read, so that no row of it can "
            "be written; declare another key, or a type of which reading gives all digits"
        )


def _is_key(names: Sequence[str], key: Key) -> Condition:
    parts = zip(names, key, strict=True)
    return AllOf(tuple(Comparison(name, "exact", part) for name, part in parts))
