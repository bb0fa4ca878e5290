"""Databases of the tests, made when first asked for; they last as long as the session."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.crud.databases import Database
from tests.support.postgres import PostgresServer

__all__ = ["find_database", "postgres"]

FindDatabase = Callable[[str, str], Database]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL server."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def find_database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: Any,
) -> Iterator[FindDatabase]:
    """Yield a database with tables, made when first asked for: ``("postgres", "django")``.

    The server starts with the first test that needs it.
    """
    made: dict[tuple[str, str], Database] = {}

    def find(kind: str, maker: str) -> Database:
        known = made.get((kind, maker))
        if known is not None:
            return known
        if kind == "postgres":
            server = request.getfixturevalue("postgres")
            server.create_database(maker)
            database = Database(maker, server.host)
        else:
            database = Database(str(tmp_path_factory.mktemp("crud") / f"{maker}.sqlite3"))
        if maker.startswith("django"):
            with django_db_blocker.unblock():
                database.create_django_tables()
        else:
            database.create_sqlalchemy_tables()
        made[kind, maker] = database
        return database

    yield find
    for database in made.values():
        database.close()
