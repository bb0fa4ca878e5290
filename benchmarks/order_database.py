"""A database of its own for each server process: rows of `Order` in a file of SQLite.

Statements on rows are counted, in whatever thread and whoever executes them.
"""

import atexit
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.db.backends.signals import connection_created

ROWS: Final = 1000

_NOON: Final = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Counter:
    """Counts statements on rows; those of transactions are none."""

    def __init__(self) -> None:
        self.statements = 0

    def attach(self, *, connection: Any, **_: object) -> None:
        """Count those of a connection, too."""
        if self._count not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._count)

    def _count(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        self.statements += is_of_rows(sql)
        return execute(sql, *rest)


def is_of_rows(sql: str) -> bool:
    """Return whether a statement reads or writes rows."""
    return sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))


counter: Final = Counter()


def fill() -> None:
    """Make and fill the tables in a file that goes with the process; count from then on."""
    from benchmarks.crud_models import Customer, Order

    directory = tempfile.TemporaryDirectory()
    atexit.register(directory.cleanup)
    connections.databases["default"]["NAME"] = str(Path(directory.name) / "orders.sqlite3")
    with connection.schema_editor() as editor:
        editor.create_model(Customer)
        editor.create_model(Order)
    Order.objects.bulk_create(
        Order(id=n + 1, name=f"order {n}", price=Decimal(n) / 100, created=_NOON)
        for n in range(ROWS)
    )
    connection.close()
    connection_created.connect(counter.attach)


async def save(quantity: int) -> float:
    """Save one field of one row in a thread, and return when that was committed."""
    return await sync_to_async(_save)(quantity)


def _save(quantity: int) -> float:
    from benchmarks.crud_models import Order

    Order(pk=ROWS // 2, quantity=quantity).save(update_fields=["quantity"])
    return time.monotonic()


async def statements() -> int:
    """Return how many statements on rows there were so far."""
    return counter.statements
