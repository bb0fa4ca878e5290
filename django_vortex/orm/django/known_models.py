"""The tables of Django's models, as long as the process lives: `know_models`.

Takes all models that are loaded, and those that are made later; gives their tables to
`known_tables`, and the models of a table.
"""

from django.apps import apps
from django.db.models import Model
from django.db.models.signals import class_prepared

from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.sql_text import find_bare_name

_QUIET = frozenset({"django_session", "django_migrations", "django_admin_log"})
"""Written often, or by nobody that matters; sessions of other classes are recognised."""

_by_table: dict[str, tuple[type[Model], ...]] = {}


def know_models() -> None:
    """Know the tables of all models, now and later."""
    class_prepared.connect(_know, weak=False, dispatch_uid="django_vortex.known_models")
    for model in apps.get_models(include_auto_created=True, include_swapped=True):
        _know(model)


def find_models(table: str) -> list[type[Model]]:
    """Return the models with a table; those of migrations are not among them."""
    return [model for model in _by_table.get(table, ()) if not model._meta.proxy]


def _know(sender: type[Model], **_: object) -> None:
    name = find_bare_name(sender._meta.db_table)
    if name in _QUIET or hasattr(sender, "get_session_store_class"):
        known_tables.add_quiet([name])
    else:
        known_tables.add([name])
    if sender._meta.apps is apps:
        _by_table[name] = (*_by_table.get(name, ()), sender)
