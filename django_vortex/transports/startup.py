"""Check the settings before a server starts: `require_sound_settings`.

``manage.py check`` reports all of it and more. A server that is started with wrong settings ends at
once, rather than answer every request with an error.
"""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from django_vortex.conf import get_settings
from django_vortex.exceptions import DefinitionError
from django_vortex.handlers.discovery import find_problems
from django_vortex.transports.authenticators import find_authenticate_problems
from django_vortex.transports.layer import get_layer_problem
from django_vortex.transports.permission import get_permission

NOT_INSTALLED = (
    'django_vortex is not in INSTALLED_APPS: no vortex.py is imported. Add "django_vortex" there.'
)


def require_sound_settings() -> None:
    """Check all settings that a server needs for its first peer.

    Raises:
        ImproperlyConfigured: What is wrong and what to do about it.
    """
    require_app()
    settings = get_settings()
    for name, edits_rows in (("PERMISSION", False), ("CRUD_PERMISSION", True)):
        try:
            get_permission(edits_rows=edits_rows)
        except (ImportError, DefinitionError) as error:
            raise ImproperlyConfigured(
                f"VORTEX[{name!r}] names a permission that cannot be used: {error}. It is the "
                "dotted path of a Permission class."
            ) from error
    for wrong in find_authenticate_problems(settings.authenticate, settings.trusted_proxies):
        raise ImproperlyConfigured(f"VORTEX['AUTHENTICATE']: {wrong}")
    problem = get_layer_problem(settings.channel_layer)
    if problem is not None:
        raise ImproperlyConfigured(f"{problem.text} {problem.hint}")
    for cls, reason in find_problems().items():
        raise ImproperlyConfigured(
            f"{cls.__module__}.{cls.__qualname__} is not registered: {reason}"
        )


def require_app() -> None:
    """Check that ``django_vortex`` is installed, once the app registry is ready.

    Raises:
        ImproperlyConfigured: It is not.
    """
    if apps.apps_ready and not apps.is_installed("django_vortex"):
        raise ImproperlyConfigured(NOT_INSTALLED)
