"""Rows that SQLite returns of a write, fetched at once so that it is done: `finish_write`.

SQLite commits a statement with RETURNING when its last row was fetched, or its cursor is closed,
and nobody hears of either. So the rows are kept beside the cursor, for the application to fetch.
"""

import re
from collections.abc import Iterator
from typing import Any

_RETURNING = re.compile(r"\breturning\b", re.IGNORECASE)


def finish_write(cursor: Any, text: str) -> None:
    """Let a statement that was executed be done.

    Args:
        cursor: Django's cursor.
        text: What it has executed.
    """
    driver_cursor = cursor.cursor
    if cursor.db.vendor != "sqlite" or not _RETURNING.search(text):
        return
    if not isinstance(driver_cursor, BufferedCursor) and driver_cursor.description is not None:
        cursor.cursor = BufferedCursor(driver_cursor)


class BufferedCursor:
    """A cursor of which all rows were fetched.

    Args:
        cursor: The driver's cursor, which has executed something.
    """

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._rows: list[Any] | None = cursor.fetchall()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def execute(self, *args: Any) -> Any:
        """Execute something else, of which no rows are kept."""
        self._rows = None
        return self._cursor.execute(*args)

    def executemany(self, *args: Any) -> Any:
        """Execute something else several times."""
        self._rows = None
        return self._cursor.executemany(*args)

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, fewer at the end."""
        count = self._cursor.arraysize if size is None else size
        if self._rows is None:
            return list(self._cursor.fetchmany(count))
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        if self._rows is None:
            return list(self._cursor.fetchall())
        taken, self._rows = self._rows, []
        return taken
