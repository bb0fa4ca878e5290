"""The Django app of the work board."""

from django.apps import AppConfig


class BoardConfig(AppConfig):
    """Tickets, who works on them, and their handler."""

    name = "example_project.board"
    label = "board"
    verbose_name = "Work board"
