"""Whether anything has changed in a file of SQLite: `look_at_file`.

Takes the name of a database, asks on a connection of its own that stays open and never writes: its
``PRAGMA data_version`` is another one after any commit of any other connection.
"""

import os
import sqlite3
from collections.abc import Collection, Hashable
from pathlib import Path
from typing import Final

from django_vortex.live.looks import Look
from django_vortex.locks import Lock

_PREFIX: Final = "sqlite:"

MAX_FILES: Final = 16
"""How many files are kept open."""


class Versions:
    """Knows the versions of files, as long as they are the same files."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Hashable, sqlite3.Connection]] = {}
        self._lock = Lock()

    def find(self, path: str) -> Hashable:
        """Return what is another one when the file is another, or was changed; None without one."""
        with self._lock:
            try:
                file = os.stat(path)
            except OSError:
                return None
            # A connection must not be used in a process that was forked.
            identity = (os.getpid(), file.st_dev, file.st_ino)
            known = self._open.pop(path, None)
            if known is not None and known[0] != identity:
                known[1].close()
                known = None
            link = known[1] if known is not None else _connect(path)
            self._open[path] = (identity, link)
            while len(self._open) > MAX_FILES:
                self._open.pop(next(iter(self._open)))[1].close()
            [version] = link.execute("PRAGMA data_version").fetchone()
            return (identity, id(link), version)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for _, link in self._open.values():
                link.close()
            self._open.clear()


versions: Final = Versions()
"""Those that this process has asked for."""


def look_at_file(database: str, tables: Collection[str]) -> Look | None:
    """Return the state of tables of a file, None if the database is none."""
    path = database.removeprefix(_PREFIX)
    if path == database or not os.path.isabs(path):
        return None
    version = versions.find(path)
    return None if version is None else Look(marks=dict.fromkeys(tables, version))


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{Path(path).as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
