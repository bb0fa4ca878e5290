"""The Django app that tests add to the example project."""

from django.apps import AppConfig


class EndToEndConfig(AppConfig):
    """Endpoints, views and a command that let a test drive a server process."""

    name = "tests.e2e.app"
    label = "e2e"
