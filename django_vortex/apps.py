"""The Django app: what is wired together once all models are loaded."""

from django.apps import AppConfig


class DjangoVortexConfig(AppConfig):
    """Registers adapters and checks, and imports the ``vortex.py`` of every installed app."""

    name = "django_vortex"
    verbose_name = "Vortex"
