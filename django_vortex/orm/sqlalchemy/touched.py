"""Tell of tables that are said to have changed: `tell`."""

from collections.abc import Callable, Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.live.changes import Change, Key, Table
from django_vortex.live.telling import telling
from django_vortex.orm.sqlalchemy.database_names import find_engine_database, find_used


def tell(table: Any, keys: Sequence[Key] | None, session_factory: Callable[[], Any] | None) -> None:
    """Tell that rows of a table have changed.

    Args:
        table: The table.
        keys: Which rows; None for any.
        session_factory: Gives sessions for its database.

    Raises:
        DefinitionError: Nothing says which database it is in.
    """
    names = find_used() if session_factory is None else {_find_database(table, session_factory)}
    if not names:
        raise DefinitionError(
            f"Nothing says which database {table.name} is in. Name the session_factory"
        )
    changed = None if keys is None else frozenset(keys)
    telling.tell([Change(Table(name, str(table.name)), keys=changed) for name in sorted(names)])


def find_tables(table: Any) -> list[Table]:
    """Return a table in each database that this process has used by SQLAlchemy."""
    return [Table(name, str(table.name)) for name in sorted(find_used())]


def _find_database(table: Any, session_factory: Callable[[], Any]) -> str:
    session = session_factory()
    sync_session = getattr(session, "sync_session", session)
    bind = sync_session.get_bind(clause=table)
    return find_engine_database(bind.engine)
