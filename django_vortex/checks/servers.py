"""The servers: a runserver without ASGI, and messages larger than servers take."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.core.management import get_commands

from django_vortex.checks.settings import read_setting

DAPHNE_MAX_BYTES = 1_048_576
"""What Daphne takes in one WebSocket message unless told otherwise."""
UVICORN_MAX_BYTES = 16_777_216
"""What uvicorn takes in one WebSocket message unless told otherwise."""

WSGI_RUNSERVERS = ("django.core", "django.contrib.staticfiles")
"""The apps whose ``runserver`` is Django's own."""


def check_servers(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find a runserver that knows no ASGI, and messages larger than servers take (W008, W009)."""
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
    if allowed is not None:
        messages += _check_message_bytes(allowed)
    return messages


def _check_message_bytes(allowed: int) -> Iterator[CheckMessage]:
    if apps.is_installed("daphne"):
        limits = [
            getattr(settings, f"DAPHNE_WEBSOCKET_MAX_{what}_SIZE", DAPHNE_MAX_BYTES)
            for what in ("MESSAGE", "FRAME")
        ]
        taken = min((limit for limit in limits if limit), default=allowed)  # 0 is no limit
        server = "Daphne"
        hint = (
            "Set DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE and DAPHNE_WEBSOCKET_MAX_FRAME_SIZE for "
            f"runserver, and start daphne with --websocket-max-message-size {allowed} "
            f"--websocket-max-frame-size {allowed}."
        )
    else:
        taken = UVICORN_MAX_BYTES
        server = "uvicorn"
        hint = f"Start uvicorn with --ws-max-size {allowed} and silence this check."
    if allowed > taken:
        yield Warning(
            f"VORTEX['MAX_MESSAGE_BYTES'] is {allowed}, but {server} closes a WebSocket that sends "
            f"more than {taken}.",
            hint=hint,
            id="django_vortex.W009",
        )
