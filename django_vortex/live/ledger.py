"""Whether what a table has moved is what was told of it: `Ledger`.

Takes told changes as they arrive, and what the database counts; gives the tables that have moved by
more rows than were told. Knows no clock: whoever calls says the time.

Both come late. A database counts rows some seconds after their commit, and a change is told by
another process some moments after it can be counted. So what was told a short while before a look
may explain the next one, and what is not explained is borne for a moment.
"""

from collections import deque
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django_vortex.live.changes import Change, Table
from django_vortex.live.looks import Look

COUNTED_SECONDS: Final = 11.0
"""After how long a row is counted at the latest: idle sessions of PostgreSQL take ten."""

_GRAIN_SECONDS: Final = 0.5
"""Changes that are told in such a time are one entry."""

_Entry = tuple[float, int]
"""A time and a number of rows."""


@dataclass(slots=True, eq=False)
class _Account:
    """What is known of one table."""

    is_new: bool = True
    rows: int = 0
    mark: Hashable = None
    told: deque[_Entry] = field(default_factory=deque)
    """Rows that were told and not counted yet."""
    counted: deque[_Entry] = field(default_factory=deque)
    """Rows that were counted and not told yet."""
    is_moved: bool = False


class Ledger:
    """The accounts of all tables that somebody watches.

    Args:
        told_seconds: How long it may take until a change is told that is counted already.
    """

    def __init__(self, told_seconds: float) -> None:
        self._told_seconds = told_seconds
        self._accounts: dict[Table, _Account] = {}

    def keep(self, tables: Collection[Table]) -> None:
        """Close the accounts of all other tables."""
        for table in self._accounts.keys() - set(tables):
            del self._accounts[table]

    def note(self, changes: Sequence[Change], now: float) -> None:
        """Take changes that were told."""
        for change in changes:
            account = self._accounts.get(change.table)
            if account is None:
                continue
            if change.rows is None:
                account.is_moved = True
                continue
            rows = _pay(account.counted, change.rows)
            told = account.told
            if rows and told and told[-1][0] > now - _GRAIN_SECONDS:
                told[-1] = (now, told[-1][1] + rows)
            elif rows:
                told.append((now, rows))

    def take(self, database: str, look: Look, now: float) -> None:
        """Take what a database says of its tables."""
        for name in look.tables:
            table = Table(database, name)
            account = self._accounts.get(table)
            if account is None:
                account = self._accounts[table] = _Account()
            self._compare(account, look.rows.get(name, 0), look.marks.get(name), now)

    def find_moved(self, now: float) -> set[Table]:
        """Return the tables of which it is certain that not all was told, each once."""
        moved = set()
        for table, account in self._accounts.items():
            counted = account.counted
            while counted and counted[0][0] <= now - self._told_seconds:
                counted.popleft()
                account.is_moved = True
            if account.is_moved:
                account.is_moved = False
                moved.add(table)
        return moved

    def _compare(self, account: _Account, rows: int, mark: Hashable, now: float) -> None:
        grown = rows - account.rows
        # Who begins to watch a table may have read it before this look.
        if account.is_new or mark != account.mark or grown < 0:
            account.is_moved = True
            account.counted.clear()
        else:
            left = _pay(account.told, grown)
            if left:
                account.counted.append((now, left))
        account.is_new, account.rows, account.mark = False, rows, mark
        while account.told and account.told[0][0] < now - COUNTED_SECONDS:
            account.told.popleft()


def _pay(entries: deque[_Entry], rows: int) -> int:
    """Take rows from entries, the oldest first; return how many there were too few."""
    while entries and rows:
        time, there = entries[0]
        if there > rows:
            entries[0] = (time, there - rows)
            return 0
        entries.popleft()
        rows -= there
    return rows
