"""The Django app of the page."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    """The page at ``/``, its style sheet and its scripts."""

    name = "example_project.home"
    label = "home"
