"""Queries as tables of the change log, for changes that no database knows of.

The columns of such a table are the arguments of the query, and all of them together are its primary
key. An evaluation reads the row of its arguments; whoever knows that answers are different now
tells of an update of their rows. Keys travel to other processes, values do not.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from django_vortex.live.changes import Change, Key, Operation, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.tuples import TupleRegistry
from django_vortex.tuples.canonical import canonical_text

QUERIES: Final = "vortex.queries"
"""Stands in the place of the database of these tables."""

_ANSWER: Final = frozenset([""])
"""The column that is written of a row whose arguments are known; no argument is called so."""


def make_dependency(name: str, arguments: Mapping[str, Any], registry: TupleRegistry) -> Dependency:
    """Return what an evaluation of a query reads, whatever else it does.

    Args:
        name: Of the query.
        arguments: All of them.
        registry: Knows how they travel.
    """
    texts = _write(arguments, registry)
    return Dependency(
        Table(QUERIES, name),
        equalities={argument: frozenset([text]) for argument, text in texts.items()},
        keys=frozenset([_make_key(texts)]),
        deciding=frozenset(),
    )


def make_change(
    name: str, arguments: Mapping[str, Any], registry: TupleRegistry, *, is_complete: bool
) -> Change:
    """Return the change of all answers of a query with these arguments, whatever the others are.

    Args:
        name: Of the query.
        arguments: Some of its arguments.
        registry: Knows how they travel.
        is_complete: Whether these are all.
    """
    texts = _write(arguments, registry)
    return Change(
        Table(QUERIES, name),
        Operation.UPDATE,
        keys=frozenset([_make_key(texts)]) if is_complete else None,
        columns=_ANSWER if is_complete else None,
        old=texts,
        new=texts,
    )


def _write(arguments: Mapping[str, Any], registry: TupleRegistry) -> dict[str, str]:
    return {name: canonical_text(value, registry) for name, value in arguments.items()}


def _make_key(texts: Mapping[str, str]) -> Key:
    text = "\n".join(f"{name} {texts[name]}" for name in sorted(texts))
    return (blake2b(text.encode(), digest_size=12).hexdigest(),)
