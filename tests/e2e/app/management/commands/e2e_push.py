"""``manage.py e2e_push``: push from a process that has no peers of its own."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tests.e2e.app.pushing import push_numbered


class Command(BaseCommand):
    """Parameters as `push_numbered` takes them: ``e2e_push count=3000 key=e2e.pushed``."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("parameters", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        parameters = dict(part.split("=", 1) for part in options["parameters"])
        futures = push_numbered(parameters)
        if "forget" in parameters:
            # What has not left yet leaves while the interpreter ends.
            return
        for future in futures:
            future.result(60)
        self.stdout.write(f"sent {len(futures)}")
