"""Capture in all connections of this process: `install_capture`."""

from django.db import connections
from django.db.backends.signals import connection_created

from django_vortex.live.looks import looks
from django_vortex.orm.django.capture import provide_capture, watch_connection
from django_vortex.orm.django.known_models import know_models
from django_vortex.orm.django.read_hooks import install_read_hook
from django_vortex.orm.django.routing import install_router
from django_vortex.orm.django.sweep import look_at_database
from django_vortex.orm.django.write_hooks import install_hooks
from django_vortex.orm.sqlite_versions import look_at_file


def install_capture() -> None:
    """Capture what is written through connections that are open, and those opened later."""
    know_models()
    install_hooks()
    install_read_hook()
    looks.add(look_at_file)
    looks.add(look_at_database)
    install_router()
    connection_created.connect(watch_connection, dispatch_uid="django_vortex.capture")
    for connection in connections.all(initialized_only=True):
        provide_capture(connection)
