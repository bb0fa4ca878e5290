"""Tables as applications name them: `touch` tells of changes that nobody could see.

Takes models, classes, tables and names; gives tables in their databases.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.live.changes import Table
from django_vortex.orm.known_tables import known_tables


def touch(
    target: Any,
    keys: Iterable[Any] | None = None,
    *,
    using: str | None = None,
    session_factory: Callable[[], Any] | None = None,
) -> None:
    """Evaluate again whatever depends on a table, or on some of its rows.

    For what is not seen when it is written: by triggers, functions and cursors of the driver, by
    another program, or in a service that a query asks. In a transaction of Django it takes effect
    when that is committed, else at once. It may be called from any thread and any process.

    Args:
        target: A Django model, a SQLAlchemy class or table, or the name of a table.
        keys: The primary keys of the rows, tuples if they have several columns; None for any row.
        using: The alias of the database; by default that to which the model is written. A table
            of which only the name is known may be in any of them.
        session_factory: Gives sessions of SQLAlchemy for the database; by default all databases
            that this process has used by SQLAlchemy are meant.

    Raises:
        DefinitionError: What the target is, or which database it is in, is not known.
    """
    if isinstance(keys, str | bytes) or not (keys is None or isinstance(keys, Iterable)):
        raise DefinitionError(f"Expected a list of primary keys, got {quoted(keys)}")
    values = None if keys is None else [_to_key(one) for one in keys]
    if isinstance(target, str) or hasattr(target, "_default_manager"):
        from django_vortex.orm.django import touched as of_django

        of_django.tell(target, values, using)
        return
    from django_vortex.orm.sqlalchemy import touched as of_sqlalchemy

    of_sqlalchemy.tell(_find_table(target), values, session_factory)


def capture_named(targets: Iterable[Any]) -> list[str]:
    """Capture tables that applications name; see `NamedTables`.

    Args:
        targets: Each as of `touch`.

    Returns:
        What is wrong with those that are no tables.
    """
    problems = []
    for target in targets:
        try:
            known_tables.capture([_find_name(target)])
        except DefinitionError as error:
            problems.append(str(error))
    return problems


def find_tables(targets: Iterable[Any]) -> list[Table]:
    """Return tables that applications name, in each database that they may be in.

    They are captured from now on, also those that nobody would be told of otherwise.

    Args:
        targets: Each as of `touch`.

    Raises:
        DefinitionError: One is no table.
    """
    found: list[Table] = []
    for target in targets:
        if isinstance(target, str) or hasattr(target, "_default_manager"):
            from django_vortex.orm.django import touched as of_django

            found += of_django.find_tables(target)
        else:
            from django_vortex.orm.sqlalchemy import touched as of_sqlalchemy

            found += of_sqlalchemy.find_tables(_find_table(target))
    known_tables.capture(table.name for table in found)
    return found


def _find_name(target: Any) -> str:
    """Return the name of the table that a target is.

    Raises:
        DefinitionError: It is none.
    """
    if isinstance(target, str):
        return target
    if hasattr(target, "_default_manager"):
        return str(target._meta.db_table)
    return str(_find_table(target).name)


def _find_table(target: Any) -> Any:
    """Return the table of a SQLAlchemy class, or a table as it is.

    Raises:
        DefinitionError: It is neither.
    """
    table = getattr(target, "__table__", target)
    if hasattr(table, "primary_key") and hasattr(table, "name"):
        return table
    raise DefinitionError(
        "Expected a Django model, a SQLAlchemy class or table, or the name of a table, got "
        f"{quoted(target)}"
    )


def _to_key(key: Any) -> tuple[Any, ...]:
    return tuple(key) if isinstance(key, tuple | list) else (key,)
