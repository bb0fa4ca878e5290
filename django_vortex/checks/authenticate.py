"""The functions by which peers are let in."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from django_vortex.checks.settings import read_setting
from django_vortex.transports.authenticators import find_authenticate_problems


def check_authenticate(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find entries of ``AUTHENTICATE`` that cannot tell who anybody is (E031)."""
    entries = read_setting("authenticate")
    if entries is None:
        return []
    return [
        Error(
            f"VORTEX['AUTHENTICATE']: {problem.text}.",
            hint=problem.hint,
            id="django_vortex.E031",
        )
        for problem in find_authenticate_problems(entries, read_setting("trusted_proxies"))
    ]
