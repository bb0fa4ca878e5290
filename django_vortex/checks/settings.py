"""The ``VORTEX`` setting: unknown keys and wrong values."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import SequenceMatcher
from typing import Any

from django.apps import AppConfig
from django.conf import global_settings, settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from django_vortex.conf import VortexSettings, find_problems, get_settings
from django_vortex.exceptions import quoted

KEYS = frozenset(field.name.upper() for field in fields(VortexSettings))
"""The keys of ``VORTEX``."""

OTHER_NAMES = frozenset({"DJANGO_VORTEX", "VORTEX_SETTINGS", "VORTEX_CONFIG", "VORTEX_OPTIONS"})
"""Names that the setting might have."""


def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find unknown keys and wrong values in ``VORTEX`` (E001), and what was meant for it (W015)."""
    found: list[CheckMessage] = [
        Error(problem.text, hint=problem.hint or None, id="django_vortex.E001")
        for problem in find_problems(getattr(settings, "VORTEX", {}))
    ]
    for name, value in sorted(_find_settings().items()):
        hint = _get_hint(name, value)
        if hint is not None:
            text = f"The setting {name} is not read: all settings of the vortex are in VORTEX."
            found.append(Warning(text, hint=hint, id="django_vortex.W015"))
    return found


def _find_settings() -> dict[str, Any]:
    """Return the settings as they are written, those in small letters too, but none of Django's.

    Looking at one of those that Django gives up tells the project that it uses it.
    """
    module = sys.modules.get(getattr(settings, "SETTINGS_MODULE", None) or "")
    small = {} if module is None else {n: v for n, v in vars(module).items() if n.islower()}
    own = (one for one in dir(settings) if one.isupper() and not hasattr(global_settings, one))
    return {**small, **{name: getattr(settings, name) for name in own}}


def _get_hint(name: str, value: object) -> str | None:
    """Return what to write instead of a setting that looks like one of ours, else None."""
    written = name.upper()
    if name == "VORTEX":
        return None
    key = written.removeprefix("VORTEX_")
    if key != written and key in KEYS:
        return f'Write VORTEX = {{"{key}": {quoted(value)}}}.'
    looks_like = written in OTHER_NAMES or SequenceMatcher(None, written, "VORTEX").ratio() >= 0.8
    return "Did you mean VORTEX?" if looks_like and isinstance(value, Mapping) else None


def read_setting(name: str) -> Any:
    """Return one setting, None when ``VORTEX`` is wrong: `check_settings` says so."""
    try:
        return getattr(get_settings(), name)
    except ImproperlyConfigured:
        return None
