"""What is asked of drivers and not of Django: `is_in_transaction`, `fetch`."""

from contextlib import closing
from typing import Any, Final

_IDLE: Final = 0
_UNKNOWN: Final = 4
"""States of libpq: no transaction, and no connection."""


def is_in_transaction(connection: Any) -> bool | None:
    """Return whether a transaction is open, as the driver says; None if it does not say."""
    driver = connection.connection
    if driver is None:
        return False
    if connection.vendor == "sqlite":
        return bool(driver.in_transaction)
    if connection.vendor == "postgresql":
        return driver.info.transaction_status not in (_IDLE, _UNKNOWN)
    return None


def fetch(connection: Any, query: str) -> list[Any]:
    """Return the rows of a query that no wrapper of statements hears of."""
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
