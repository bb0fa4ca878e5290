"""System checks: what is wrong with a project before a client finds out.

Takes Django's settings and the handlers of the project, gives messages with a hint each. Nothing is
connected to but the databases that ``check --database`` names; a channel layer is constructed, and
the project's ASGI application is imported.
"""

from django.core.checks import Tags, register

from django_vortex.checks.application import check_application
from django_vortex.checks.authenticate import check_authenticate
from django_vortex.checks.capture import check_capture
from django_vortex.checks.channel_layer import check_channel_layer
from django_vortex.checks.handlers import check_handlers
from django_vortex.checks.permission import check_permission
from django_vortex.checks.servers import check_servers
from django_vortex.checks.settings import check_settings
from django_vortex.checks.triggers import check_triggers
from django_vortex.checks.tuple_types import check_tuple_types
from django_vortex.checks.urls import check_urls

TAG = "vortex"

CHECKS = (
    check_settings,
    check_channel_layer,
    check_application,
    check_servers,
    check_permission,
    check_authenticate,
    check_tuple_types,
    check_handlers,
    check_urls,
    check_capture,
)
"""All checks but those of databases; `register_checks` registers them."""


def register_checks() -> None:
    """Register all checks; the app does that when it is ready."""
    for check in CHECKS:
        register(check, TAG)
    register(check_triggers, Tags.database)  # from Django 6, TAG alone would ask all databases
