"""Triggers of the project's tables, whose writes nobody sees."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Warning
from django.db import connections

from django_vortex.checks.settings import read_setting

TRIGGERS_BY_VENDOR: Final = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT tables.relname, triggers.tgname FROM pg_trigger triggers"
        " JOIN pg_class tables ON tables.oid = triggers.tgrelid"
        " WHERE NOT triggers.tgisinternal AND pg_table_is_visible(tables.oid)"
    ),
}
"""By vendor what gives the table and the name of each trigger; other databases are not asked."""

NAMED_TRIGGERS: Final = 5
"""How many are named in a message."""


def check_triggers(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Iterable[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """Find triggers on tables of models (W042), in the databases that are to be checked."""
    if not databases or not read_setting("live"):
        return []
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    messages: list[CheckMessage] = []
    for alias in databases:
        found = [
            f"{name!r} on {table!r}" for table, name in _find_triggers(alias) if table in tables
        ]
        if not found:
            continue
        named = ", ".join(found[:NAMED_TRIGGERS])
        more = len(found) - NAMED_TRIGGERS
        messages.append(
            Warning(
                f"The database {alias!r} has triggers, and nobody is told of what they write: "
                f"{named}{f' and {more} more' if more > 0 else ''}.",
                hint="Call touch() with the models whose rows they write where that has to be seen "
                "at once, else answers that watch them are late by up to SWEEP_SECONDS. Then "
                "silence this by SILENCED_SYSTEM_CHECKS.",
                id="django_vortex.W042",
            )
        )
    return messages


def _find_triggers(alias: str) -> list[tuple[str, str]]:
    connection = connections[alias]
    statement = TRIGGERS_BY_VENDOR.get(connection.vendor)
    if statement is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return sorted(cursor.fetchall())
