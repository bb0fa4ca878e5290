"""The project's ASGI application: not set, not importable, or not ours."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_vortex.checks.settings import read_setting
from django_vortex.exceptions import quoted
from django_vortex.handlers.discovery import find_problems
from django_vortex.transports.asgi import VortexApplication


def check_application(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find projects whose ASGI application is not ours, or that are served by WSGI (E006, E007)."""
    path = getattr(settings, "ASGI_APPLICATION", None)
    if not path:
        return [
            Warning(
                "ASGI_APPLICATION is not set: under WSGI there is no WebSocket, and a POST to the "
                "vortex is answered with 503.",
                hint='Set ASGI_APPLICATION = "<project>.asgi.application" and serve that with '
                "Daphne or uvicorn.",
                id="django_vortex.W006",
            )
        ]
    try:
        application = import_string(path)
    except Exception as error:
        is_told = read_setting("name") is None or bool(find_problems())
        if isinstance(error, ImproperlyConfigured) and is_told:
            return []  # by `check_settings` or `check_handlers`
        text = f"ASGI_APPLICATION {path!r} cannot be imported: {type(error).__name__}: {error}"
        hint = 'It is the dotted path of what asgi.py makes: "<project>.asgi.application".'
        return [Error(text, hint=hint, id="django_vortex.E007")]
    if isinstance(application, VortexApplication):
        return []
    return [
        Error(
            f"ASGI_APPLICATION {path!r} is {quoted(application)}, not made by "
            "vortex_application().",
            hint="It must be the outermost: application = vortex_application(http=..., "
            "websocket=...) around what is there now.",
            id="django_vortex.E007",
        )
    ]
