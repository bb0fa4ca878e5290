"""The app of the models of these tests: without it Django knows no way back from a foreign key."""

from django.apps import AppConfig


class LiveTests(AppConfig):
    name = "tests.live"
    label = "live_tests"
