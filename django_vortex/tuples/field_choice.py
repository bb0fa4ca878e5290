"""Check the options ``fields`` and ``exclude``, which name the fields that travel.

Takes their values, gives lists of names, or `ALL_FIELDS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django_vortex.exceptions import DefinitionError, quoted

ALL_FIELDS: Final = "__all__"
"""Stands for every field of a class, also those that it will get later."""

_HINT = f"a list of names, or {ALL_FIELDS!r} for every field"


def read_fields(fields: object) -> tuple[str, ...] | str:
    """Return the names that ``fields`` lists, each once, or `ALL_FIELDS`.

    Raises:
        DefinitionError: It is neither.
    """
    if isinstance(fields, str):
        if fields == ALL_FIELDS:
            return ALL_FIELDS
        raise DefinitionError(f"fields is {_HINT}; got {quoted(fields)}")
    return read_names(fields, "fields")


def read_names(names: object, what: str) -> tuple[str, ...]:
    """Return a list of names, each once.

    Raises:
        DefinitionError: It is no list, or something in it is no name.
    """
    if isinstance(names, str | bytes | Mapping) or not isinstance(names, Iterable):
        raise DefinitionError(f"{what} is a list of names; got {quoted(names)}")
    listed = list(names)
    for name in listed:
        if not isinstance(name, str):
            raise DefinitionError(f"{what} is a list of names; got {quoted(name)} in it")
        if name in (ALL_FIELDS, "*"):
            raise DefinitionError(f"{what} is {_HINT}, not in a list; got {quoted(listed)}")
    return tuple(dict.fromkeys(listed))
