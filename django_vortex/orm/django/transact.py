"""`transact`: a function in one transaction of Django, begun anew where SQLite lets it not write.

Of two transactions of SQLite that have both read, only one may write; the other is refused at once,
as waiting would help neither. It has to begin again, and as a writer, for which SQLite does wait.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import OperationalError, connections, transaction

from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

_T = TypeVar("_T")


def transact(using: str, function: Callable[[], _T]) -> _T:
    """Call a function in a transaction and commit; roll back if it raises.

    What fails behind the commit, as functions that wait for it do, is logged: the work is done.

    Args:
        using: The alias of the database.
        function: Called a second time if another transaction has kept it from writing.
    """
    link = connections[using]
    try:
        return _transact(link, function)
    except OperationalError as error:
        if link.in_atomic_block or not _is_busy(error):  # what the caller has read stays read
            raise
        with _as_writer(link):
            return _transact(link, function)


def _transact(link: Any, function: Callable[[], _T]) -> _T:
    results: list[_T] = []
    committed: list[_T] = []
    is_outermost = not link.in_atomic_block
    try:
        with transaction.atomic(using=link.alias):
            if is_outermost:  # the first of all that wait for the commit
                transaction.on_commit(lambda: committed.extend(results), using=link.alias)
            results.append(function())
    except (Exception, SystemExit):
        if not committed:
            raise
        logger.exception("What waited for the commit on %r failed; it is stored", link.alias)
    return results[0]


def _is_busy(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlite_errorname", "").startswith("SQLITE_BUSY")


@contextmanager
def _as_writer(link: Any) -> Iterator[None]:
    """Begin transactions of SQLite by waiting until nobody else writes."""
    mode, link.transaction_mode = link.transaction_mode, "IMMEDIATE"
    try:
        yield
    finally:
        link.transaction_mode = mode
