"""Reading what a ``select()`` of an application selects, in a session of its own.

Takes a statement and a factory of sessions, gives a list: of the entities or values where it
selects one column, else of dicts. What travels of an entity has to be loaded by the statement.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.sqlalchemy.unit import SqlAlchemyUnit
from django_vortex.typedefs import RunSync


def read_statement(
    statement: Any, session_factory: Callable[[], Any], run_sync: RunSync, /, *, on_loop: bool
) -> Any:
    """Return the rows of a statement, or what is awaited for them; see `ReadStatement`.

    Raises:
        TryAgain: The database cannot answer now.
    """
    store = SqlAlchemyStore(session_factory, run_sync)

    def read(unit: Any) -> list[Any]:
        return _read(unit, statement)

    if on_loop or store.is_async:
        return store.run(read)
    return store.run_here(read)


def _read(unit: SqlAlchemyUnit, statement: Any) -> list[Any]:
    session: Session = unit.session
    result = session.execute(statement)
    if len(result.keys()) > 1:
        return [dict(row) for row in result.mappings()]
    selected = result.scalars()
    return list(selected.unique() if _selects_entities(statement) else selected)


def _selects_entities(statement: Any) -> bool:
    """Return whether rows are of a class, where each comes once, however often it was joined."""
    description = getattr(statement, "column_descriptions", [{}])[0]
    return description.get("entity") is not None and description["entity"] is description["expr"]
