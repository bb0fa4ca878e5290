"""Whether values of rows certainly differ: `excludes` and `misses`.

Only values of a few types, of the same type on both sides, are compared: of others nobody knows
here whether the database takes them for equal. What is not certain is no.
"""

from collections.abc import Iterable, Set
from datetime import date
from functools import lru_cache
from types import NoneType
from typing import Any, Final, TypeAlias
from uuid import UUID

from django_vortex.live.changes import Key

COMPARABLE: Final = frozenset({bool, bytes, date, int, str, UUID})
"""Types whose values are equal in Python if they are in the database, as far as adapters tell."""

UNKNOWN: Final = object()
"""A value that may be any."""

KeyKinds: TypeAlias = frozenset[tuple[type, ...]]
"""The types of keys, column by column."""

_seen_keys: tuple[Set[Key], KeyKinds] = (frozenset(), frozenset())


def find_kind(values: Iterable[Any]) -> type | None:
    """Return the type of values other than None, `NoneType` without any, None if it is not one."""
    kinds = {type(value) for value in values} - {NoneType}
    if len(kinds) > 1:
        return None
    return kinds.pop() if kinds else NoneType


def excludes(values: Set[Any], kind: type | None, value: Any) -> bool:
    """Return whether a value is certainly none of others.

    Args:
        values: The others; None is NULL.
        kind: Their type, by `find_kind`.
        value: The value, of any type.
    """
    if value is None:
        return None not in values
    own = type(value)
    return own in COMPARABLE and (kind is own or kind is NoneType) and value not in values


def find_value_kinds(values: Iterable[Any]) -> KeyKinds:
    """Return the types of values other than None, as if these were keys."""
    return frozenset((type(value),) for value in values if value is not None)


@lru_cache(maxsize=256)
def _shared(kinds: KeyKinds) -> KeyKinds:
    """Return the same object for equal kinds, of which there are few."""
    return kinds


def find_key_kinds(keys: Set[Key]) -> KeyKinds:
    """Return the types of keys."""
    global _seen_keys
    seen, kinds = _seen_keys  # the keys of one change are compared with those of many answers
    if seen is not keys:
        kinds = _shared(frozenset(tuple(map(type, key)) for key in keys))
        _seen_keys = keys, kinds
    return kinds


def misses(keys: frozenset[Key], kinds: KeyKinds, others: frozenset[Key]) -> bool:
    """Return whether keys are certainly none of others.

    Args:
        keys: The keys.
        kinds: Their types, by `find_key_kinds`.
        others: The others.
    """
    if not keys or not others:
        return True
    return keys.isdisjoint(others) and is_one_kind(kinds | find_key_kinds(others))


def is_one_kind(kinds: KeyKinds) -> bool:
    """Return whether keys of these types can be compared with each other."""
    return len(kinds) == 1 and all(one in COMPARABLE for kind in kinds for one in kind)
