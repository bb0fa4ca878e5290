"""The views of a database, which stand for the tables that they are made of: `know_views`.

Takes what asks a database, gives the texts of its views to `known_tables`. They are asked for where
an evaluation reads something for the first time, and where a text names nothing known.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from django_vortex.logs import get_limited_logger
from django_vortex.orm.known_tables import known_tables

logger = get_limited_logger(__name__)

Fetch: TypeAlias = Callable[[str], Iterable[Any]]
"""Executes a query past whoever listens to statements, and returns its rows."""

SECONDS_BETWEEN: Final = 60.0
"""Views that are made later are found after so long."""

_QUERIES: Final = {
    "postgresql": "SELECT viewname, definition FROM pg_views "
    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') "
    "UNION ALL SELECT matviewname, '' FROM pg_matviews",
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'view'",
}
"""A materialized view is a table of its own: it changes when it is refreshed."""

_asked: dict[str, float] = {}


def know_views(database: str, fetch: Fetch, *, is_missing: bool) -> bool:
    """Know the views of a database; return whether it was asked. Raises nothing.

    Args:
        database: What it is called.
        fetch: Asks it.
        is_missing: Whether a text names something that is not known.
    """
    before = _asked.get(database)
    if before is not None and not (is_missing and time.monotonic() - before > SECONDS_BETWEEN):
        return False
    query = _QUERIES.get(database.partition(":")[0])
    if query is None:
        return False
    _asked[database] = time.monotonic()
    try:
        found = {str(name): str(text) for name, text in fetch(query)}
    except Exception:  # such as in a transaction that has failed
        _asked.pop(database, None)
        logger.warning("Could not find out about the views of a database", exc_info=True)
        return False
    known_tables.add_views(found)
    return True
