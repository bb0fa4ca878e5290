"""Whether the installed Django has what writes are noticed by."""

from collections.abc import Sequence
from typing import Any

import django
from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning

from django_vortex.checks.settings import read_setting
from django_vortex.orm.django.hooks import find_missing


def check_capture(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find private parts of Django that capture holds on to and that are not there (W040)."""
    missing = find_missing() if read_setting("live") else []
    if not missing:
        return []
    return [
        Warning(
            f"Django {django.get_version()} has no {', '.join(missing)}, by which writes are "
            "noticed.",
            hint="Watched answers are evaluated too often or too late. Use a version of "
            "django_vortex that knows this Django, or set VORTEX['LIVE'] to False.",
            id="django_vortex.W040",
        )
    ]
