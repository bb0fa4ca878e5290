"""The Django app: connects the parts of the package once all models are loaded."""

from django.apps import AppConfig


class DjangoVortexConfig(AppConfig):
    """Registers adapters, ports and checks; imports the ``vortex.py`` of every installed app."""

    name = "django_vortex"
    verbose_name = "Vortex"

    def ready(self) -> None:
        """Register the adapters of models, bind the default registry, import the endpoints."""
        # Not on top: this module is imported before any model may be.
        from django.apps import apps
        from django.db import transaction
        from django.utils.module_loading import autodiscover_modules

        from django_vortex.checks import register_checks
        from django_vortex.handlers.discovery import register_classes
        from django_vortex.live.named_tables import named_tables
        from django_vortex.orm.crud.stores import read_statement
        from django_vortex.orm.django import tuples as django_tuples
        from django_vortex.orm.django.errors import translate_error
        from django_vortex.orm.django.touched import tell_with_commit
        from django_vortex.orm.sqlalchemy import tuples as sqlalchemy_tuples
        from django_vortex.orm.touch import capture_named, find_tables
        from django_vortex.routing.payload_io import payload_io
        from django_vortex.transports import telling
        from django_vortex.transports.permission import get_permission
        from django_vortex.transports.sending import push
        from django_vortex.tuples import registry

        capture_writes()
        named_tables.bind(find_tables, capture_named)
        django_tuples.install(registry)
        sqlalchemy_tuples.install(registry)
        # The threads for handlers come with the server, pushes may leave without one.
        payload_io.bind(
            push=push,
            after_commit=transaction.on_commit,
            get_permission=get_permission,
            translate_error=translate_error,
            read_statement=read_statement,
            tell_with_commit=tell_with_commit,
            get_name=get_server_name,
        )
        telling.listen()
        register_checks()
        listen_to_logouts()
        autodiscover_modules("vortex")
        register_classes(f"{app.name}.vortex" for app in apps.get_app_configs())
        for endpoint in payload_io.endpoints:  # what is none, a system check says
            if endpoint.watchable is not None:
                named_tables.capture(endpoint.watchable.depends_on)


def get_server_name() -> str:
    """Return what the server is called, the default while the settings are wrong.

    Then a system check says so, and no server starts.
    """
    from django.core.exceptions import ImproperlyConfigured

    from django_vortex.conf import get_settings
    from django_vortex.routing.ports import get_package_name

    try:
        return get_settings().name
    except ImproperlyConfigured:
        return get_package_name()


def listen_to_logouts() -> None:
    """End the streams of a session when its user logs out, where the project has users."""
    from django.apps import apps

    if apps.is_installed("django.contrib.auth"):
        from django.contrib.auth.signals import user_logged_out

        from django_vortex.transports.identity_changes import note_logout

        user_logged_out.connect(note_logout, dispatch_uid="django_vortex.note_logout")


def capture_writes() -> None:
    """Notice what is written from now on, unless the settings say otherwise."""
    from django.core.exceptions import ImproperlyConfigured

    from django_vortex.conf import get_settings
    from django_vortex.orm.django.install import install_capture
    from django_vortex.orm.sqlalchemy import installing

    try:
        is_live = get_settings().live
    except ImproperlyConfigured:  # which the system checks say, and no server starts with
        return
    if is_live:
        install_capture()
        installing.install_capture()
