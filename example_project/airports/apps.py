"""The Django app of the airports."""

from django.apps import AppConfig


class AirportsConfig(AppConfig):
    """Airports, their handler and what else clients may try."""

    name = "example_project.airports"
    label = "airports"
    verbose_name = "Airports"
