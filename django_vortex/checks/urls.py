"""The URLs of the project: no vortex among them, or one that cannot be reached."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.urls import NoReverseMatch, get_resolver, resolve, reverse

from django_vortex.transports.paths import is_vortex_view

INCLUDE = 'path("", include("django_vortex.urls"))'


def check_urls(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find projects that no client can connect to (W014)."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    if not _has_vortex(get_resolver().url_patterns):
        return [
            Warning(
                "No URL of the project is a vortex: clients get 404.",
                hint=f"Add {INCLUDE} to urlpatterns of {settings.ROOT_URLCONF}.",
                id="django_vortex.W014",
            )
        ]
    try:
        path = reverse("vortex")
    except NoReverseMatch:  # below a namespace or a prefix with arguments
        return []
    view = resolve(path.removeprefix(settings.FORCE_SCRIPT_NAME or "")).func
    if is_vortex_view(view):
        return []
    return [
        Warning(
            f"The vortex at {path} is hidden by an earlier URL of the project.",
            hint=f"Put {INCLUDE} before what takes every path.",
            id="django_vortex.W014",
        )
    ]


def _has_vortex(patterns: Iterable[Any]) -> bool:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            if _has_vortex(pattern.url_patterns):
                return True
        elif is_vortex_view(pattern.callback):
            return True
    return False
