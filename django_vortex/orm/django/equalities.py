"""What the conditions of a query say of every row that they find: `find_equalities`.

Takes the ``where`` of a query, gives the values that plain columns of a table must have. Only what
is certain counts: conditions that are all joined by AND at the top, with values that are known.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any, Final

from django.db.models.expressions import Col, ColPairs
from django.db.models.sql.where import AND, WhereNode

from django_vortex.live.changes import MAX_KEYS, Key
from django_vortex.orm.django.plain_columns import UNKNOWN, find_plain, read_value

Equalities = dict[str, frozenset[Any]]
"""By column the values that a row may have; None is NULL."""

_OWN: Final = "django.db.models."
"""Lookups of Django itself are known; others of the same names may compare as they like."""


def find_equalities(where: WhereNode, alias: str | None, vendor: str) -> Equalities:
    """Return what the rows of a table must be equal to.

    Args:
        where: The conditions.
        alias: What the query calls the table.
        vendor: What Django calls the kind of the database.
    """
    found: Equalities = {}
    for lookup in find_certain(where):
        for column, values in _read(lookup, alias, vendor):
            found[column] = found[column] & values if column in found else values
    return found


def find_keys(
    where: WhereNode, alias: str | None, vendor: str, columns: list[str]
) -> frozenset[Key] | None:
    """Return the only primary keys that rows may have, None if that is not known.

    Args:
        where: The conditions.
        alias: What the query calls the table.
        vendor: What Django calls the kind of the database.
        columns: Those of the primary key.
    """
    for lookup in find_certain(where):
        pairs = _read_tuples(lookup, alias, vendor)
        if pairs is not None and pairs[0] == columns:
            return frozenset(pairs[1]) if len(pairs[1]) <= MAX_KEYS else None
    return multiply(find_equalities(where, alias, vendor), columns)


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


def _read(lookup: Any, alias: str | None, vendor: str) -> Iterator[tuple[str, frozenset[Any]]]:
    """Return the columns that a lookup compares, with what they are equal to."""
    tuples = _read_tuples(lookup, alias, vendor)
    if tuples is not None:
        columns, found = tuples
        for at, name in enumerate(columns):
            yield name, frozenset(values[at] for values in found)
        return
    column: Any = getattr(lookup, "lhs", None)
    if type(column) is not Col or column.alias != alias:
        return
    plain = find_plain(column.target, vendor)
    values = None if plain is None else _read_values(lookup, plain)
    if values is not None:
        yield str(column.target.column), values


def _read_values(lookup: Any, plain: Any) -> frozenset[Any] | None:
    match _find_kind(lookup):
        case "exact":
            given: Iterable[Any] = [lookup.rhs]
        case "in":
            if _is_query(lookup.rhs):
                return None
            given = lookup.rhs
        case "isnull":
            return frozenset({None}) if lookup.rhs is True else None
        case _:
            return None
    values = frozenset(read_value(plain, value) for value in given)
    return None if UNKNOWN in values else values


def _read_tuples(lookup: Any, alias: str | None, vendor: str) -> tuple[list[str], set[Key]] | None:
    """Return the columns that a lookup compares at once, with the tuples of their values."""
    pairs: Any = getattr(lookup, "lhs", None)
    if type(pairs) is not ColPairs or pairs.alias != alias or _is_query(lookup.rhs):
        return None
    kind = _find_kind(lookup)
    if kind not in ("exact", "in"):
        return None
    plains = [find_plain(target, vendor) for target in pairs.targets]
    if None in plains:
        return None
    found = set()
    for given in [lookup.rhs] if kind == "exact" else lookup.rhs:
        values = tuple(read_value(*pair) for pair in zip(plains, given, strict=True))
        if UNKNOWN in values:
            return None
        found.add(values)
    return [str(target.column) for target in pairs.targets], found


def _find_kind(lookup: Any) -> str:
    return lookup.lookup_name if type(lookup).__module__.startswith(_OWN) else ""


def _is_query(value: Any) -> bool:
    return hasattr(value, "as_sql") or hasattr(value, "resolve_expression")
