"""The permission that the settings name."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from django_vortex.checks.settings import read_setting
from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.permission import to_permission


def check_crud_permission(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find a permission that there is not (E010)."""
    path = read_setting("crud_permission")
    if path is None:
        return []
    try:
        to_permission(import_string(path))
    except (ImportError, DefinitionError) as error:
        text = f"VORTEX['CRUD_PERMISSION'] {path!r} is no permission: {error}"
        hint = "It is the dotted path of a Permission class, such as django_vortex.IsStaff."
        return [Error(text, hint=hint, id="django_vortex.E010")]
    return []
