"""What a database changes on its own where Django has told it to: `add_cascades`.

Takes changes, gives them with those of rows that ``DB_CASCADE``, ``DB_SET_NULL`` and
``DB_SET_DEFAULT`` of Django 6.1 and later change. Cascades made by hand are known to nobody.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models

from django_vortex.live.changes import Change, Operation, Table
from django_vortex.orm.django.known_models import find_models
from django_vortex.orm.sql_text import find_bare_name

_CASCADE = getattr(models, "DB_CASCADE", None)
_UPDATES = [
    rule
    for name in ("DB_SET_NULL", "DB_SET_DEFAULT")
    if (rule := getattr(models, name, None)) is not None
]


def add_cascades(changes: list[Change]) -> list[Change]:
    """Return changes and those that follow from them."""
    if _CASCADE is None:
        return changes
    seen: set[tuple[Table, Operation]] = set()
    found = list(changes)
    for change in found:  # which grows meanwhile
        if change.operation in (Operation.DELETE, Operation.ANY):
            for next_one in _find_next(change):
                if (next_one.table, next_one.operation) not in seen:
                    seen.add((next_one.table, next_one.operation))
                    found.append(next_one)
    return found


def _find_next(change: Change) -> Iterator[Change]:
    for relation in _find_relations(change.table.name):
        field = relation.field
        table = Table(change.table.database, find_bare_name(relation.related_model._meta.db_table))
        if relation.on_delete is _CASCADE:
            yield Change(table, Operation.DELETE)
        else:
            generated = {
                one.column for one in relation.related_model._meta.concrete_fields if one.generated
            }
            yield Change(table, Operation.UPDATE, columns=frozenset({field.column, *generated}))


def _find_relations(table: str) -> Iterable[Any]:
    """Return the foreign keys to a table whose rows the database changes on its own."""
    return [
        relation
        for model in find_models(table)
        for relation in model._meta.get_fields(include_hidden=True)
        if (rule := getattr(relation, "on_delete", None)) is not None
        and relation.auto_created
        and not relation.concrete
        and (rule is _CASCADE or rule in _UPDATES)
    ]
