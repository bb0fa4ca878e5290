"""The default permission of handlers, from the settings.

Takes ``PERMISSION`` and ``CRUD_PERMISSION``, gives a `Permission` through the port of `PayloadIO`.
"""

from functools import lru_cache

from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from django_vortex.conf import get_settings
from django_vortex.routing.permission import Permission, to_permission
from django_vortex.routing.permissions import forget_defaults


def get_permission(*, edits_rows: bool) -> Permission:
    """Return the permission that the settings name now.

    Args:
        edits_rows: Whether it is for an `OrmCrudHandler`, for which there is an older name.
    """
    settings = get_settings()
    return load_permission(settings.crud_permission if edits_rows else settings.permission)


@lru_cache(maxsize=16)
def load_permission(path: str) -> Permission:
    """Import a permission by its dotted name.

    Raises:
        ImportError: There is none.
        DefinitionError: What there is is no permission.
    """
    return to_permission(import_string(path))


@receiver(setting_changed)
def _forget_defaults(*, setting: str, **_: object) -> None:
    """Let ``override_settings(VORTEX=...)`` work in the tests of applications."""
    if setting == "VORTEX":
        forget_defaults()
