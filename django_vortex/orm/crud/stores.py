"""Which store a model is kept in.

Takes a model, gives the store of its ORM. The one place that knows that there are two.
"""

from collections.abc import Callable
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.store import Store
from django_vortex.typedefs import RunSync


def make_store(
    model: Any, session_factory: Callable[[], Any] | None, using: str | None, run_sync: RunSync
) -> Store:
    """Make the store of a model.

    Raises:
        DefinitionError: It is none of a known ORM, or lacks its session factory.
    """
    if hasattr(model, "_default_manager"):
        from django_vortex.orm.django.store import DjangoStore

        return DjangoStore(using, run_sync)
    if hasattr(model, "__mapper__") or hasattr(model, "primary_key"):
        from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore

        if session_factory is None:
            name = getattr(model, "__qualname__", None) or quoted(model)
            raise DefinitionError(f"Rows of {name} need a session_factory")
        return SqlAlchemyStore(session_factory, run_sync)
    raise DefinitionError(
        f"Expected a Django model, a SQLAlchemy class or table, got {quoted(model)}"
    )


def read_statement(
    statement: Any, session_factory: Callable[[], Any], run_sync: RunSync, /, *, on_loop: bool
) -> Any:
    """Return the rows of a ``select()`` of SQLAlchemy; see `ReadStatement`.

    Raises:
        TryAgain: The database cannot answer now.
    """
    from django_vortex.orm.sqlalchemy.statements import read_statement

    return read_statement(statement, session_factory, run_sync, on_loop=on_loop)
