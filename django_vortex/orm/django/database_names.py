"""What the databases of Django's settings are called in changes: `find_database`."""

from typing import Any

from django_vortex.orm.databases import name_database


def find_database(connection: Any) -> str:
    """Return the name of the database of a connection, which need not be open."""
    settings = connection.settings_dict
    options = settings.get("OPTIONS") or {}
    name = str(settings.get("NAME") or options.get("dbname") or "")
    host = str(settings.get("HOST") or options.get("host") or "")
    port = settings.get("PORT") or options.get("port")
    if connection.vendor == "sqlite":
        if name.startswith("file:") and "mode=memory" not in name:
            name = name.removeprefix("file:").partition("?")[0]
        return name_database("sqlite", "", None, name)
    return name_database(connection.vendor, host, port, name or _ask_driver(connection))


def _ask_driver(connection: Any) -> str:
    """Return the database that psycopg is connected to where the settings name none."""
    info = getattr(connection.connection, "info", None)
    return str(getattr(info, "dbname", ""))
