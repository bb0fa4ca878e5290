"""The rows of a SQLAlchemy class."""

from collections.abc import Callable
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import Condition


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

    def fetch(self, statement: Any, condition: Condition | None = None) -> list[Any]:
        """List what a statement selects and meets a condition.

        The session is closed, also after a failure.

        Raises:
            DefinitionError: Such a statement cannot be narrowed down.
        """
        session = self._session_factory()
        try:
            if condition is not None:
                statement = self._narrow(statement, condition, session)
            return list(session.scalars(statement).unique())
        finally:
            session.close()

    def _narrow(self, statement: Any, condition: Condition, session: Any) -> Any:
        from django_vortex.orm.sqlalchemy.conditions import to_expression
        from django_vortex.orm.sqlalchemy.models import describe

        if not hasattr(statement, "where"):
            raise DefinitionError(
                f"A permission narrows the rows of {self._mapped.__qualname__} down, so they have "
                "to be a select(), and no union"
            )
        dialect = session.get_bind(self._mapped.__mapper__).dialect.name
        return statement.where(to_expression(condition, describe(self._mapped), dialect))
