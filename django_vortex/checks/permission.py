"""The permissions that the settings name for handlers that name none."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from django_vortex.checks.settings import read_setting
from django_vortex.exceptions import DefinitionError
from django_vortex.routing.permission import to_permission


def check_permission(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find default permissions that there are not (E010), or one that is ignored (W030)."""
    said = getattr(settings, "VORTEX", {})
    if not isinstance(said, Mapping) or read_setting("permission") is None:
        return []
    found: list[CheckMessage] = []
    for key in ("PERMISSION", "CRUD_PERMISSION"):
        if key in said:
            found += _check_path(key, said[key])
    if "PERMISSION" in said and "CRUD_PERMISSION" in said:
        found.append(
            Warning(
                "VORTEX['CRUD_PERMISSION'] is an older name of PERMISSION and is ignored "
                "beside it.",
                hint="Leave it out, and name permission= where an OrmCrudHandler has another.",
                id="django_vortex.W030",
            )
        )
    return found


def _check_path(key: str, path: str) -> list[CheckMessage]:
    try:
        permission = to_permission(import_string(path))
    except (ImportError, DefinitionError) as error:
        text = f"VORTEX[{key!r}] {path!r} is no permission: {error}"
        hint = "It is the dotted path of a Permission class, such as django_vortex.IsStaff."
        return [Error(text, hint=hint, id="django_vortex.E010")]
    if key == "PERMISSION" and permission.restricts:
        text = (
            f"VORTEX[{key!r}] {path!r} tells rows apart by scope or allows_object, which handlers "
            "without rows cannot: they refuse everybody."
        )
        hint = "Name it as permission= of the handlers whose rows it is about."
        return [Error(text, hint=hint, id="django_vortex.E010")]
    return []
