"""Whether a connection of Django has a transaction open: `Transactions`.

Takes what Django knows, and where that may not be true asks the driver. In a test, whose own
transaction is never committed, what the application has opened itself counts.
"""

from typing import Any

from django_vortex.orm.django.drivers import is_in_transaction


class Transactions:
    """The transactions of a connection.

    Args:
        connection: One of Django's.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.asks_driver = False
        """Whether Django may not know if one is open."""
        self._test_savepoints: int | None = None
        """How many savepoints are those of a test."""

    def begin_test(self) -> None:
        """Take what is open now for a test's own, which is rolled back behind it."""
        if self._connection.in_atomic_block:
            self._test_savepoints = self._count_savepoints()

    def end_test(self) -> None:
        """Take transactions for what they are."""
        self._test_savepoints = None

    @property
    def are_of_test(self) -> bool:
        """Whether the application's outermost savepoint stands for its transaction."""
        return self._test_savepoints is not None

    def is_open(self) -> bool | None:
        """Return whether one is open, None if nobody knows."""
        connection = self._connection
        if self._test_savepoints is not None and connection.in_atomic_block:
            return self._count_savepoints() > self._test_savepoints
        # Before it is opened, autocommit is off.
        is_manual = connection.connection is not None and not connection.autocommit
        is_open = bool(connection.in_atomic_block or is_manual)
        if not self.asks_driver:
            return is_open
        says = self.ask_driver()
        if says is False and not is_open:
            self.asks_driver = False
        return says

    def ask_driver(self) -> bool | None:
        """Return what the driver says, None if it does not."""
        try:
            return is_in_transaction(self._connection)
        except Exception:  # of a connection that is broken
            return None

    def _count_savepoints(self) -> int:
        """Return how many savepoints are open; ``atomic(savepoint=False)`` opens none."""
        return sum(sid is not None for sid in self._connection.savepoint_ids)
