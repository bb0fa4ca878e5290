"""Tell of tables that are said to have changed: `tell`."""

from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS, connections, models, router

from django_vortex.exceptions import DefinitionError
from django_vortex.live.changes import MAX_KEYS, Change, Key, Table
from django_vortex.live.comparing import UNKNOWN
from django_vortex.live.telling import telling
from django_vortex.orm.django.capture import get_capture, provide_capture
from django_vortex.orm.django.database_names import find_database
from django_vortex.orm.django.known_models import find_models
from django_vortex.orm.django.plain_columns import get_columns, read_value
from django_vortex.orm.sql_text import find_bare_name


def tell(target: type[models.Model] | str, keys: Sequence[Key] | None, using: str | None) -> None:
    """Tell that rows of a table have changed, once what has changed them is committed.

    Args:
        target: A model, or the name of a table.
        keys: Which rows; None for any.
        using: The alias of the database, if the target does not say it.

    Raises:
        DefinitionError: There is no such alias.
    """
    if using is not None and using not in connections.settings:
        known = ", ".join(map(repr, connections.settings))
        raise DefinitionError(f"DATABASES has no {using!r}, only {known}")
    found = find_models(find_bare_name(target)) if isinstance(target, str) else [target]
    model = found[0] if found else None
    name = model._meta.db_table if model is not None else str(target)
    table = find_bare_name(name)
    for alias in _find_aliases(model, using):
        connection = connections[alias]
        known_keys = None if model is None else _read_keys(model, keys, connection.vendor)
        capture = provide_capture(connection) if telling.is_heard else get_capture(connection)
        if capture is not None:
            capture.touch([Change(Table(capture.database, table), keys=known_keys)])


def tell_with_commit(changes: Sequence[Change]) -> None:
    """Tell of changes of no database as if they were made by the default one: after its commit."""
    connection = connections[DEFAULT_DB_ALIAS]
    is_captured = telling.is_heard and bool(connection.settings_dict["ENGINE"])
    capture = provide_capture(connection) if is_captured else get_capture(connection)
    if capture is None:
        telling.tell(changes)
    else:
        capture.touch(changes)


def find_tables(target: type[models.Model] | str) -> list[Table]:
    """Return a table in each database that it may be in: that to which its model is written.

    Args:
        target: A model, or the name of a table.
    """
    found = find_models(find_bare_name(target)) if isinstance(target, str) else [target]
    model = found[0] if found else None
    name = model._meta.db_table if model is not None else str(target)
    aliases = _find_aliases(model, None)
    return [Table(find_database(connections[alias]), find_bare_name(name)) for alias in aliases]


def _find_aliases(model: type[models.Model] | None, using: str | None) -> list[str]:
    if using is not None:
        return [using]
    return list(connections) if model is None else [router.db_for_write(model)]


def _read_keys(
    model: type[models.Model], keys: Sequence[Key] | None, vendor: str
) -> frozenset[Key] | None:
    """Return keys as they are stored, None if that is not certain."""
    columns = get_columns(model, vendor)
    if keys is None or len(keys) > MAX_KEYS or not columns.has_plain_key:
        return None
    plain = [columns.plain[name] for name in columns.keys]
    read = set()
    for key in keys:
        if len(key) != len(plain):
            names = ", ".join(columns.keys)
            raise DefinitionError(f"Keys of {columns.table} are ({names}), got {key!r}")
        values = tuple(read_value(*pair) for pair in zip(plain, key, strict=True))
        if UNKNOWN in values:
            return None
        read.add(values)
    return frozenset(read)
