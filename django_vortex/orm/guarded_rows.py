"""Related rows that not everybody may see: where they wait until the outer row is read.

They are kept apart from the relation itself, which hooks, permissions and models go on using as it
is in the database.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django_vortex.orm.conditions import NOTHING
from django_vortex.orm.store import Scope

NO_ROWS = Scope(condition=NOTHING)
"""The scope of a relation that nothing is said about: it fails closed."""


def waiting_name(relation: str) -> str:
    """Return the attribute of a row under which the related rows wait that the peer may see."""
    return f"_vortex_{relation}"


def leave_out(rows: Iterable[Any], scope: Scope) -> None:
    """Take out of the loaded related rows those that single rows are asked about."""
    for relation, inner in scope.nested.items():
        if inner.keeps is None and not inner.nested:
            continue
        name = waiting_name(relation)
        kept = {}
        for row in rows:
            related = row.__dict__.get(name)
            of_row = related if isinstance(related, list) else [related]
            for one in of_row:
                if one is not None and id(one) not in kept:
                    kept[id(one)] = one if _is_kept(inner.keeps, one) else None
            seen = [one for one in of_row if kept.get(id(one)) is not None]
            row.__dict__[name] = seen if isinstance(related, list) else next(iter(seen), None)
        leave_out([one for one in kept.values() if one is not None], inner)


def _is_kept(keeps: Callable[[Any], bool] | None, row: Any) -> bool:
    return keeps is None or keeps(row)
