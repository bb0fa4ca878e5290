"""Whether what a connection has written is committed: `is_committed`.

Takes what a pool hands out, asks the driver, since a database may commit earlier than SQLAlchemy
says so: under AUTOCOMMIT, after a COMMIT in a raw text, and on SQLite where a transaction has begun
with a savepoint.
"""

from typing import Any

from sqlalchemy.pool import PoolProxiedConnection

_IDLE = 0
_IN_TRANSACTION = (2, 3)
"""The states of libpq, the second after an error. Others may be either."""

_MYSQL_IN_TRANSACTION = 1


def is_committed(pooled: PoolProxiedConnection, *, after_raw_end: bool) -> bool | None:
    """Return whether no transaction is open, None if that is not known.

    Args:
        pooled: The connection.
        after_raw_end: Whether the last statement was a text that may have ended a transaction.
    """
    link = pooled.driver_connection
    try:
        is_open = _is_open(link)
        if is_open is None:
            is_autocommit = _is_autocommit(link)
            return is_autocommit if is_autocommit or not after_raw_end else None
    except Exception:  # of a connection that is closed; the worst is assumed
        return None
    return not is_open


def _is_open(link: Any) -> bool | None:
    """Return what drivers say of which it is known how to ask them."""
    is_open = getattr(link, "in_transaction", None)  # sqlite3, aiosqlite
    if isinstance(is_open, bool):
        return is_open
    ask = getattr(link, "is_in_transaction", None)  # asyncpg
    if ask is not None:
        return bool(ask())
    status = getattr(getattr(link, "info", None), "transaction_status", None)  # psycopg
    if status == _IDLE:
        return False
    if status in _IN_TRANSACTION:
        return True
    server_status = getattr(link, "server_status", None)  # PyMySQL
    if isinstance(server_status, int):
        return bool(server_status & _MYSQL_IN_TRANSACTION)
    return None


def _is_autocommit(link: Any) -> bool | None:
    ask = getattr(link, "get_autocommit", None)  # mysqlclient
    value = ask() if ask is not None else getattr(link, "autocommit", None)
    return value if isinstance(value, bool) else None
