"""``manage.py vortex_send '{"key": "board.notice"}' '"Lunch"'``: push from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_vortex.exceptions import VortexError
from django_vortex.transports.sending import send
from django_vortex.wire.payload import Payload

SECONDS = 10.0


def read_json(text: str, what: str) -> Any:
    """Read an argument.

    Raises:
        CommandError: It is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"{what} must be JSON, got {text!r}: {error}") from error


class Command(BaseCommand):
    """Sends one payload over the channel layer to the peers of every process."""

    help = "Push a payload to connected peers; all of them, unless one of the options says whom."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take filt, tuples and whom to."""
        parser.add_argument("filt", help='A JSON object with a "key".')
        parser.add_argument("tuples", nargs="*", help="A JSON value each.")
        parser.add_argument("--to-peer", help="The uuid of one peer.")
        parser.add_argument("--to-name", help="The vortex name of the peers.")
        parser.add_argument("--to-user", help="The primary key of a user.")

    def handle(self, *args: Any, filt: str, tuples: list[str], **options: Any) -> None:
        """Send and wait until it has left this process."""
        read_filt = read_json(filt, "The filt")
        if not isinstance(read_filt, dict) or not isinstance(read_filt.get("key"), str):
            raise CommandError(f'The filt must be a JSON object with a text under "key": {filt!r}')
        payload = Payload(read_filt, tuples=[read_json(text, "A tuple") for text in tuples])
        to = {name: options[name] for name in ("to_peer", "to_name", "to_user")}
        try:
            send(payload, **to).result(SECONDS)
        except VortexError as error:
            raise CommandError(str(error)) from error
        except TimeoutError as error:
            raise CommandError(
                f"Not sent within {SECONDS:g} s: the layer does not take it"
            ) from error
        self.stdout.write("Sent.")
