"""``manage.py announce "Gate closed"``: push a text to every connected client."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_vortex import Payload, VortexError, send

SECONDS = 10.0


class Command(BaseCommand):
    """Pushes from a process that has no clients of its own, over the channel layer."""

    help = (
        "Push a text to every connected client as a tuple under the key airports.notice. "
        "Needs a channel layer that reaches the server: see EXAMPLE_CHANNEL_LAYER."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the text."""
        parser.add_argument("text")

    def handle(self, *args: Any, text: str, **options: Any) -> None:
        """Send and wait until it has left."""
        try:
            send(Payload({"key": "airports.notice"}, tuples=[text])).result(SECONDS)
        except VortexError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Sent.")
