"""The databases of these tests, looked into and filled without the stores that are tested."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.db import connections
from sqlalchemy import NullPool, Pool, QueuePool, create_engine, event, text
from sqlalchemy.engine import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.crud.django_models import MODELS
from tests.crud.sqlalchemy_tables import Base
from tests.support.postgres import USER

TABLES = ["crud_ticket", "crud_project", "crud_label", "crud_seat"]
"""All tables, those that refer to others first."""


@dataclass(frozen=True)
class Database:
    """One database with the tables of these tests.

    Args:
        name: Of the database, of SQLite the path of its file.
        host: The directory of the socket of the server, of SQLite an empty string.
    """

    name: str
    host: str = ""

    @property
    def alias(self) -> str:
        """What Django calls it. The threads of a pool keep what they know of an alias."""
        return f"{'postgres' if self.is_postgres else 'sqlite'}_{Path(self.name).stem}"

    @property
    def is_postgres(self) -> bool:
        return bool(self.host)

    def url(self, *, is_async: bool = False) -> URL:
        """Return what SQLAlchemy connects to."""
        if not self.is_postgres:
            return URL.create("sqlite+aiosqlite" if is_async else "sqlite", database=self.name)
        driver = "postgresql+asyncpg" if is_async else "postgresql+psycopg"
        return URL.create(driver, username=USER, database=self.name, query={"host": self.host})

    @cached_property
    def engine(self) -> Engine:
        """The engine of stores, which keeps no connection; it is long to find out about a server.

        What one test adds to it is there in the next.
        """
        return self._make_engine(NullPool)

    @cached_property
    def async_engine(self) -> AsyncEngine:
        """The same for an `AsyncSession`, on whichever loop."""
        engine = create_async_engine(self.url(is_async=True), poolclass=NullPool)
        if not self.is_postgres:
            event.listen(engine.sync_engine, "connect", set_up_sqlite)
        return engine

    @cached_property
    def _own_engine(self) -> Engine:
        """The engine of the tests themselves, which keeps its connection."""
        return self._make_engine(QueuePool)

    def close(self) -> None:
        """Close the connections of the tests."""
        self._own_engine.dispose()

    def _make_engine(self, pool: type[Pool]) -> Engine:
        engine = create_engine(self.url(), poolclass=pool)
        if not self.is_postgres:
            event.listen(engine, "connect", set_up_sqlite)
        return engine

    @contextmanager
    def in_django(self) -> Iterator[None]:
        """Let Django know it under its alias for as long as the context lasts."""
        alias = self.alias
        if self.is_postgres:
            content = {"ENGINE": "django.db.backends.postgresql", "HOST": self.host, "USER": USER}
        else:
            content = {
                "ENGINE": "django.db.backends.sqlite3",
                "OPTIONS": {"init_command": "PRAGMA synchronous=OFF"},
            }
        configured = connections.configure_settings(
            {"default": {}, alias: {**content, "NAME": self.name}}
        )
        connections.settings[alias] = configured[alias]
        try:
            yield
        finally:
            connections[alias].close()
            del connections[alias]
            del connections.settings[alias]

    def create_django_tables(self) -> None:
        """Make the tables as Django makes them."""
        with self.in_django(), connections[self.alias].schema_editor() as editor:
            for model in MODELS:
                editor.create_model(model)

    def create_sqlalchemy_tables(self) -> None:
        """Make the tables as SQLAlchemy makes them."""
        Base.metadata.create_all(self._own_engine)

    def clear(self) -> None:
        """Empty all tables; what is inserted next has the id 1."""
        with self._own_engine.begin() as link:
            if self.is_postgres:
                link.execute(text(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY"))
                return
            for table in TABLES:
                link.execute(text(f"DELETE FROM {table}"))
            if link.scalar(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")):
                link.execute(text("DELETE FROM sqlite_sequence"))

    def add(self, table: str, **values: Any) -> None:
        """Insert a row."""
        [made] = [t for name, t in Base.metadata.tables.items() if name == f"crud_{table}"]
        with self._own_engine.begin() as link:
            link.execute(made.insert().values(**values))

    def rows(self, table: str = "ticket") -> list[dict[str, Any]]:
        """Return all rows of a table, ordered by their first column, the values as stored."""
        with self._own_engine.connect() as link:
            found = link.execute(text(f"SELECT * FROM crud_{table} ORDER BY 1, 2"))
            return [dict(row) for row in found.mappings()]

    def everything(self) -> list[list[dict[str, Any]]]:
        """Return all rows of all tables, to see that nothing has changed."""
        return [self.rows(table.removeprefix("crud_")) for table in TABLES]

    def execute(self, statement: str) -> None:
        """Change something behind everybody's back."""
        with self._own_engine.begin() as link:
            link.execute(text(statement))


def set_up_sqlite(link: Any, record: Any) -> None:
    """Let SQLite check foreign keys, as Django does, and not wait for the disk."""
    cursor = link.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()
