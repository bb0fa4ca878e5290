"""The ``VORTEX`` setting: unknown keys and wrong values."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_vortex.conf import find_problems, get_settings


def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find unknown keys and wrong values in ``VORTEX`` (E001)."""
    return [
        Error(problem.text, hint=problem.hint or None, id="django_vortex.E001")
        for problem in find_problems(getattr(settings, "VORTEX", {}))
    ]


def read_setting(name: str) -> Any:
    """Return one setting, None when ``VORTEX`` is wrong: `check_settings` says so."""
    try:
        return getattr(get_settings(), name)
    except ImproperlyConfigured:
        return None
