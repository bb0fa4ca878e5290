"""What the databases of Django's settings say of changes by themselves: `look_at_database`."""

from collections.abc import Collection

from django.db import connections

from django_vortex.live.looks import Look
from django_vortex.orm.django.database_names import find_database
from django_vortex.orm.postgres_counters import CLEAR, make_look, make_query


def look_at_database(database: str, tables: Collection[str]) -> Look | None:
    """Return the state of tables, None if the database is none that can be asked.

    Uses the connection of the thread that it is called in.
    """
    for alias in connections:
        connection = connections[alias]
        if connection.vendor == "postgresql" and find_database(connection) == database:
            names = sorted(tables)
            with connection.cursor() as cursor:
                cursor.execute(CLEAR)
                placeholders = ", ".join(["%s"] * len(names))
                cursor.execute(make_query(f"({placeholders})"), names)
                return make_look(cursor.fetchall())
    return None
