"""What the database of an engine is called, by the same rule as Django's: `find_database`.

Takes a connection, gives the name that changes and dependencies have.
"""

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.engine import URL, Connection, Engine

from django_vortex.orm.databases import name_database

_KINDS = {"mariadb": "mysql", "mssql": "microsoft"}
"""What Django calls those that SQLAlchemy calls otherwise."""

_names: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()


def find_database(connection: Connection) -> str:
    """Return the name of the database that a connection is to."""
    engine = connection.engine
    name = _names.get(engine)
    if name is None:
        name = _names[engine] = _find_name(engine.url, connection)
    return name


def find_engine_database(engine: Engine) -> str:
    """Return the name of the database of an engine, which need not have connected."""
    return _names.get(engine) or _find_name(engine.url, None)


def find_used() -> set[str]:
    """Return the names of all databases that this process has connected to, by engines it has."""
    return set(_names.values())


def find_engines(database: str) -> list[Engine]:
    """Return the engines that are known to be to a database."""
    return [engine for engine, name in list(_names.items()) if name == database]


def _find_name(url: URL, connection: Connection | None) -> str:
    backend = url.get_backend_name()
    kind = _KINDS.get(backend, backend)
    if kind == "sqlite":
        return name_database(kind, "", None, _find_path(url.database or ""))
    host = url.host or _find_option(url, "host")
    port = url.port or _find_option(url, "port")
    database = url.database or _find_option(url, "dbname") or _ask_driver(connection)
    return name_database(kind, host, port, database)


def _find_path(database: str) -> str:
    """Return the path of a SQLite file, which may be written as a URI."""
    if not database.startswith("file:") or "mode=memory" in database:
        return database
    return database.removeprefix("file:").partition("?")[0]


def _find_option(url: URL, name: str) -> str:
    value = url.query.get(name, "")
    return value if isinstance(value, str) else ",".join(value)


def _ask_driver(connection: Connection | None) -> str:
    """Return the database that psycopg is connected to where the URL names none."""
    link = None if connection is None else connection.connection.driver_connection
    info: Any = getattr(link, "info", None)
    return str(getattr(info, "dbname", ""))
