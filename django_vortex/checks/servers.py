"""The servers: a runserver without ASGI, and limits of theirs that contradict ours."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.core.management import get_commands

from django_vortex.checks.settings import read_setting

WSGI_RUNSERVERS = ("django.core", "django.contrib.staticfiles")
"""The apps whose ``runserver`` is Django's own."""


def check_servers(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find a runserver that knows no ASGI, and limits that do not hold (W008, W009)."""
    messages: list[CheckMessage] = []
    if settings.DEBUG and get_commands()["runserver"] in WSGI_RUNSERVERS:
        messages.append(
            Warning(
                "manage.py runserver serves WSGI here, without the vortex.",
                hint='Put "daphne" first in INSTALLED_APPS, or start uvicorn instead.',
                id="django_vortex.W008",
            )
        )
    allowed = read_setting("max_message_bytes")
    if allowed is not None and apps.is_installed("daphne"):
        messages += _check_daphne_bytes(allowed)
    return messages


def _check_daphne_bytes(allowed: int) -> Iterator[CheckMessage]:
    for what in ("MESSAGE", "FRAME"):
        name = f"DAPHNE_WEBSOCKET_MAX_{what}_SIZE"
        taken = getattr(settings, name, 0)  # 0 is no limit
        if 0 < taken < allowed:
            yield Warning(
                f"{name} is {taken}, but a vortex takes messages of VORTEX['MAX_MESSAGE_BYTES'], "
                f"{allowed}.",
                hint=f"MAX_MESSAGE_BYTES alone decides for the vortex: lower that, or set {name} "
                f"to {allowed} or more.",
                id="django_vortex.W009",
            )
