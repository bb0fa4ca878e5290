"""What an execution has changed: `find_effect`, `Effect`.

Takes SQLAlchemy's context of an execution, whatever it was made of: a statement of Core or the ORM,
a text, DDL, or a text for the driver. Gives the tables that it may write, and its changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.sql.elements import (
    ReleaseSavepointClause,
    RollbackToSavepointClause,
    SavepointClause,
)

from django_vortex.live.changes import Change, Operation, Table
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.sql_text import find_text, read_sql
from django_vortex.orm.sqlalchemy.writes import NO_WRITES, WritePlan, find_writes

_SAVEPOINTS: Final[dict[type[Any], Literal["begin", "release", "undo"]]] = {
    SavepointClause: "begin",
    ReleaseSavepointClause: "release",
    RollbackToSavepointClause: "undo",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What one kind of execution may do.

    Attributes:
        plan: What is known of its statement.
        tables: All tables that it may write.
        others: Those of them of which no more is known.
        ends_transaction: Whether a raw text of it may begin or end a transaction.
        savepoint: What it does with the savepoint of this name.
    """

    plan: WritePlan
    tables: frozenset[str]
    others: tuple[str, ...]
    ends_transaction: bool
    savepoint: tuple[Literal["begin", "release", "undo"], str] | None

    def find_changes(self, database: str, context: Any, result: Any) -> Sequence[Change]:
        """Return the changes of an execution.

        Args:
            database: The name of the database.
            context: The execution.
            result: What it gave, None if it has failed.
        """
        others = [Change(Table(database, name), Operation.ANY) for name in self.others]
        main = self.plan.main
        if main is None:
            return others
        changes = main.find_changes(
            database,
            context.compiled_parameters,
            getattr(context, "_expanded_parameters", None) or {},
            _find_returned(result, context) if main.wants_returned else None,
            _count(result),
        )
        return [*changes, *others] if others else changes


_effects: WeakKeyDictionary[Any, Effect] = WeakKeyDictionary()
"""Of what is compiled and has no text in it, since more tables may be known later."""


def find_effect(context: Any) -> Effect:
    """Return what an execution may do."""
    compiled = context.compiled
    if compiled is None:
        return _find_effect(NO_WRITES, (find_text(context.statement, context.cursor),), None)
    effect = _effects.get(compiled)
    if effect is None:
        plan = find_writes(compiled, context.dialect)
        effect = _find_effect(plan, plan.texts, getattr(compiled, "statement", None))
        if not plan.texts:
            _effects[compiled] = effect
    return effect


def _find_effect(plan: WritePlan, texts: Sequence[str], statement: Any) -> Effect:
    main = frozenset() if plan.main is None else frozenset({plan.main.name})
    others = plan.tables.union(*(known_tables.find_written(text) for text in texts))
    return Effect(
        plan,
        main | others,
        tuple(sorted(others)),
        any(read_sql(text).ends_transaction for text in texts),
        _find_savepoint(statement),
    )


def _find_savepoint(
    statement: Any,
) -> tuple[Literal["begin", "release", "undo"], str] | None:
    kind = _SAVEPOINTS.get(type(statement))
    return None if kind is None else (kind, str(statement.ident))


def _find_returned(result: Any, context: Any) -> Sequence[Any] | None:
    """Return the primary keys of inserted rows as far as SQLAlchemy knows them."""
    if result is None or (context.executemany and context.returned_default_rows is None):
        return None
    try:
        returned: Sequence[Any] = result.inserted_primary_key_rows
    except InvalidRequestError:  # RETURNING is the application's
        return None
    return returned


def _count(result: Any) -> int | None:
    """Return how many rows the driver has counted."""
    if result is None or result.returns_rows:
        return None
    rows = result.rowcount
    return rows if isinstance(rows, int) and rows >= 0 else None
