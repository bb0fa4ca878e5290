"""The app of the models of these tests: without it Django knows no way back from a foreign key."""

from django.apps import AppConfig


class CrudTests(AppConfig):
    name = "tests.crud"
    label = "crud_tests"
