"""The rows of a SQLAlchemy class."""

from collections.abc import Callable, Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import Condition
from django_vortex.orm.store import Scope


class SqlAlchemyRows:
    """Lists rows of one mapped class, each time in a session of its own.

    Args:
        mapped: The class.
        session_factory: Makes the session, for example a ``sessionmaker``.

    Raises:
        DefinitionError: Without a session factory.
    """

    def __init__(self, mapped: type[Any], session_factory: Callable[[], Any] | None) -> None:
        if session_factory is None:
            raise DefinitionError(
                f"Rows of the SQLAlchemy class {mapped.__qualname__} need a session_factory"
            )
        self._mapped = mapped
        self._session_factory = session_factory

    def get_all(self) -> Any:
        """Give the statement that selects all rows."""
        from sqlalchemy import select

        return select(self._mapped)

    def fetch(
        self, statement: Any, names: Sequence[str] = (), condition: Condition | None = None
    ) -> list[Any]:
        """List what a statement selects and meets a condition.

        The session is closed, also after a failure.

        Args:
            statement: Selects the rows.
            names: The columns that travel; those that are loaded later otherwise are loaded now.
            condition: What a permission lets through.

        Raises:
            DefinitionError: Such a statement does not select the class.
        """
        session = self._session_factory()
        try:
            statement = self._narrow(statement, names, condition, session)
            options = _undefer(statement, names)
            rows = list(
                session.scalars(statement.options(*options) if options else statement).unique()
            )
            for row in rows:
                _load(row, names)
            return rows
        finally:
            session.close()

    def _narrow(
        self, statement: Any, names: Sequence[str], condition: Condition | None, session: Any
    ) -> Any:
        from django_vortex.orm.sqlalchemy.models import describe
        from django_vortex.orm.sqlalchemy.scope import select_rows
        from django_vortex.orm.sqlalchemy.shapes import find_chosen, without_contradictions

        mapped = describe(self._mapped)
        find_chosen(statement, mapped)
        if hasattr(statement, "where"):
            statement = without_contradictions(statement, names)
            if condition is None:
                return statement  # as it is, with its order and limit
        dialect = session.get_bind(self._mapped.__mapper__).dialect.name
        return select_rows(mapped, Scope(statement, condition), dialect)


def _undefer(statement: Any, names: Sequence[str]) -> list[Any]:
    """Return what loads columns with the rows that the class defers."""
    from sqlalchemy import Select
    from sqlalchemy.orm import undefer

    if not isinstance(statement, Select):
        return []
    entity = statement.column_descriptions[0]["expr"]
    if not hasattr(entity, "__mapper__"):
        return []
    columns = entity.__mapper__.column_attrs
    return [
        undefer(getattr(entity, name))
        for name in names
        if name in columns and columns[name].deferred
    ]


def _load(row: Any, names: Sequence[str]) -> None:
    """Load the columns that are left out all the same, before the session is closed."""
    from sqlalchemy import inspect

    state = inspect(row, raiseerr=False)
    if hasattr(state, "unloaded"):
        for name in state.unloaded.intersection(names):
            getattr(row, name)
