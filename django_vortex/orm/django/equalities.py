"""What the conditions of a query say of every row that they find: `find_equalities`.

Takes the ``where`` of a query, gives the values that plain columns of a table must have. Only what
is certain counts: conditions that are all joined by AND at the top, with values that are known.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any, Final

from django.db.models.expressions import Col, ColPairs
from django.db.models.sql.where import AND, WhereNode

from django_vortex.live.changes import MAX_KEYS, Key
from django_vortex.live.comparing import UNKNOWN
from django_vortex.orm.django.plain_columns import read_value

FindPlain = Callable[[Any], Any]
"""Return the plain field of a column's field, None if it has none or is of no interest."""

Equalities = dict[str, frozenset[Any]]
"""By column the values that a row may have; None is NULL."""

_OWN: Final = "django.db.models."
"""Lookups of Django itself are known; others of the same names may compare as they like."""


def find_equalities(where: WhereNode, alias: str | None, find_plain: FindPlain) -> Equalities:
    """Return what the rows of a table must be equal to.

    Args:
        where: The conditions.
        alias: What the query calls the table.
        find_plain: Finds the plain fields of the table.
    """
    found: Equalities = {}
    for lookup in find_certain(where):
        for column, values in _read(lookup, alias, find_plain):
            found[column] = found[column] & values if column in found else values
    return found


def find_keys(
    where: WhereNode,
    alias: str | None,
    find_plain: FindPlain,
    columns: list[str],
    equalities: Mapping[str, frozenset[Any]],
) -> frozenset[Key] | None:
    """Return the only primary keys that rows may have, None if that is not known.

    Args:
        where: The conditions.
        alias: What the query calls the table.
        find_plain: Finds the plain fields of the table.
        columns: Those of the primary key.
        equalities: What `find_equalities` has found.
    """
    if len(columns) > 1:
        for lookup in find_certain(where):
            pairs = _read_tuples(lookup, alias, find_plain)
            if pairs is not None and pairs[0] == columns:
                return frozenset(pairs[1]) if len(pairs[1]) <= MAX_KEYS else None
    return multiply(equalities, columns)


def multiply(equalities: Mapping[str, frozenset[Any]], columns: list[str]) -> frozenset[Key] | None:
    """Return all keys that equalities leave, None if they leave others, or too many."""
    sets = [equalities.get(column) for column in columns]
    known = [values for values in sets if values is not None]
    if not columns or len(known) < len(columns) or prod(map(len, known)) > MAX_KEYS:
        return None
    return frozenset(product(*known))


def find_single(equalities: Mapping[str, frozenset[Any]]) -> dict[str, Any]:
    """Return the columns that can have only one value, with it."""
    return {name: next(iter(values)) for name, values in equalities.items() if len(values) == 1}


def find_certain(where: WhereNode) -> Iterator[Any]:
    """Return the conditions of which each has to hold."""
    if where.negated or (where.connector != AND and len(where.children) > 1):
        return
    for child in where.children:
        if isinstance(child, WhereNode):
            yield from find_certain(child)
        else:
            yield child


def _read(
    lookup: Any, alias: str | None, find_plain: FindPlain
) -> Iterator[tuple[str, frozenset[Any]]]:
    """Return the columns that a lookup compares, with what they are equal to."""
    column: Any = getattr(lookup, "lhs", None)
    if type(column) is Col:
        plain = find_plain(column.target) if column.alias == alias else None
        values = None if plain is None else _read_values(lookup, plain)
        if values is not None:
            yield str(column.target.column), values
        return
    tuples = _read_tuples(lookup, alias, find_plain)
    if tuples is not None:
        columns, found = tuples
        for at, name in enumerate(columns):
            yield name, frozenset(values[at] for values in found)


def _read_values(lookup: Any, plain: Any) -> frozenset[Any] | None:
    kind = _find_kind(lookup)
    if kind == "exact":
        value = read_value(plain, lookup.rhs)
        return None if value is UNKNOWN else frozenset((value,))
    if kind == "in" and not _is_query(lookup.rhs):
        values = frozenset([read_value(plain, value) for value in lookup.rhs])
        return None if UNKNOWN in values else values
    if kind == "isnull" and lookup.rhs is True:
        return frozenset((None,))
    return None


def _read_tuples(
    lookup: Any, alias: str | None, find_plain: FindPlain
) -> tuple[list[str], set[Key]] | None:
    """Return the columns that a lookup compares at once, with the tuples of their values."""
    pairs: Any = getattr(lookup, "lhs", None)
    if type(pairs) is not ColPairs or pairs.alias != alias or _is_query(lookup.rhs):
        return None
    kind = _find_kind(lookup)
    names = [str(target.column) for target in pairs.targets]
    plains = [find_plain(target) for target in pairs.targets]
    if kind not in ("exact", "in") or None in plains:
        return None
    found = set()
    for given in [lookup.rhs] if kind == "exact" else lookup.rhs:
        values = tuple(read_value(*pair) for pair in zip(plains, given, strict=True))
        if UNKNOWN in values:
            return None
        found.add(values)
    return names, found


_KINDS: Final[dict[type, str]] = {}
"""The names of Django's own lookups by their classes."""


def _find_kind(lookup: Any) -> str:
    cls = type(lookup)
    kind = _KINDS.get(cls)
    if kind is None:
        is_own = cls.__module__.startswith(_OWN)
        kind = _KINDS[cls] = str(cls.lookup_name) if is_own else ""
    return kind


def _is_query(value: Any) -> bool:
    return hasattr(value, "as_sql") or hasattr(value, "resolve_expression")
