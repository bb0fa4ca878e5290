"""The rows of a SQLAlchemy class."""

from collections.abc import Callable
from typing import Any

from django_vortex.exceptions import DefinitionError


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

    def fetch(self, statement: Any) -> list[Any]:
        """List what a statement selects; the session is closed, also after a failure."""
        session = self._session_factory()
        try:
            return list(session.scalars(statement).unique())
        finally:
            session.close()
