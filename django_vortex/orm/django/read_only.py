"""Let evaluations read in transactions of their own, and write nothing: `ReadTransactions`.

Takes the connections that an evaluation uses, as it uses them; each gets a transaction that lasts
until the evaluations of a batch are done. PostgreSQL shows all of its statements the same state,
and refuses what we do not recognise as a write.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction

from django_vortex.exceptions import HandlerError, shortened
from django_vortex.live.recording import Recorder
from django_vortex.logs import get_limited_logger
from django_vortex.orm.sql_text import read_sql

logger = get_limited_logger(__name__)


class WritesWhileEvaluating(HandlerError):
    """An answer that is watched was about to write."""


class ReadTransactions:
    """The transactions of one thread, until they are closed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._thread = threading.get_ident()
        self._begun: set[str] = set()
        self._token = _current.set(self)

    def begin(self, connection: Any) -> None:
        """Begin a transaction on a connection, unless one is open, or another thread uses it."""
        alias = connection.alias
        if alias in self._begun or threading.get_ident() != self._thread:
            return
        self._begun.add(alias)
        if connection.connection is not None and not connection.in_atomic_block:
            self._stack.enter_context(_begun(connection))

    def close(self) -> None:
        """End the transactions."""
        _current.reset(self._token)
        self._stack.close()


_current: ContextVar[ReadTransactions | None] = ContextVar("vortex_reading", default=None)


def guard(connection: Any, text: str, recorder: Recorder, tables: list[Any]) -> None:
    """Let an evaluation execute a statement, if that does not write.

    Args:
        connection: What executes it.
        text: The statement.
        recorder: Of the evaluation.
        tables: The tables that it writes if it does.

    Raises:
        WritesWhileEvaluating: It may write.
    """
    if read_sql(text).may_write:
        recorder.writes += tables
        logger.error("The evaluation of a watched answer was about to write: %s", shortened(text))
        raise WritesWhileEvaluating("An answer that is watched only reads")
    if (transactions := _current.get()) is not None:
        transactions.begin(connection)


@contextmanager
def _begun(connection: Any) -> Iterator[None]:
    driver = connection.connection
    is_settable = connection.vendor == "postgresql" and hasattr(driver, "read_only")
    if is_settable:
        from psycopg import IsolationLevel

        before = driver.isolation_level, driver.read_only
        driver.isolation_level, driver.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        with transaction.atomic(using=connection.alias):
            yield
    finally:
        if is_settable and not driver.closed:
            driver.isolation_level, driver.read_only = before
