"""Queries as tables of the change log, for changes that no database knows of.

The columns of such a table are the arguments of the query. An evaluation reads the row of its
arguments; whoever knows that answers are different now tells of a change of their rows.
"""

from collections.abc import Mapping
from typing import Any, Final

from django_vortex.live.changes import Change, Operation, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.tuples import TupleRegistry
from django_vortex.tuples.canonical import canonical_text

QUERIES: Final = "vortex.queries"
"""Stands in the place of the database of these tables."""


def make_dependency(name: str, arguments: Mapping[str, Any], registry: TupleRegistry) -> Dependency:
    """Return what an evaluation of a query reads, whatever else it does.

    Args:
        name: Of the query.
        arguments: All of them.
        registry: Knows how they travel.
    """
    values = {
        argument: frozenset([canonical_text(value, registry)])
        for argument, value in arguments.items()
    }
    return Dependency(Table(QUERIES, name), equalities=values)


def make_change(name: str, arguments: Mapping[str, Any], registry: TupleRegistry) -> Change:
    """Return the change of all answers of a query with these arguments, whatever the others are."""
    values = {argument: canonical_text(value, registry) for argument, value in arguments.items()}
    return Change(Table(QUERIES, name), Operation.UPDATE, old=values, new=values)
