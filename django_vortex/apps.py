"""The Django app: wires the rooms together once all models are loaded."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from django_vortex.orm.crud.permission import Permission


class DjangoVortexConfig(AppConfig):
    """Registers adapters, ports and checks; imports the ``vortex.py`` of every installed app."""

    name = "django_vortex"
    verbose_name = "Vortex"

    def ready(self) -> None:
        """Make tuples of models possible, bind the default registry, find the endpoints."""
        # Not on top: this module is imported before any model may be.
        from django.db import transaction
        from django.utils.module_loading import autodiscover_modules

        from django_vortex.checks import register_checks
        from django_vortex.orm.crud.permissions import default_permission
        from django_vortex.orm.django import tuples as django_tuples
        from django_vortex.orm.sqlalchemy import tuples as sqlalchemy_tuples
        from django_vortex.routing.payload_io import payload_io
        from django_vortex.transports.sending import push
        from django_vortex.tuples import registry

        django_tuples.install(registry)
        sqlalchemy_tuples.install(registry)
        # The threads for handlers come with the server, pushes may leave without one.
        payload_io.bind(push=push, after_commit=transaction.on_commit)
        default_permission.find = find_crud_permission
        register_checks()
        autodiscover_modules("vortex")


def find_crud_permission() -> "Permission":
    """Give the permission that the setting ``CRUD_PERMISSION`` names."""
    from django.utils.module_loading import import_string

    from django_vortex.conf import get_settings
    from django_vortex.orm.crud.permission import to_permission

    return to_permission(import_string(get_settings().crud_permission))
