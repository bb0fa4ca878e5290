"""``manage.py vortex_endpoints``: list the endpoints of a project and their permissions."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from django_vortex.routing.endpoint import describe_handler
from django_vortex.routing.payload_io import payload_io
from django_vortex.routing.registered import Registered


def describe_filt(filt: dict[Any, Any]) -> str:
    """Write a filt as JSON, with the key first and what JSON does not know as its repr."""
    ordered = {"key": filt["key"], **filt}
    return json.dumps(ordered, ensure_ascii=False, default=repr)


def describe_place(filename: str, line: int) -> str:
    """Write where an endpoint was made, relative to the current folder if it is below that."""
    path = Path(filename)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"


def describe(endpoint: Registered) -> tuple[str, str, str, str]:
    """Return the four columns of one endpoint."""
    handler = describe_handler(endpoint.handler)
    if endpoint.accept_only_from:
        handler += f" (only from {', '.join(sorted(endpoint.accept_only_from))})"
    if endpoint.ignore_from:
        handler += f" (never from {', '.join(sorted(endpoint.ignore_from))})"
    if endpoint.rates is not None:
        handler += f" (at most {endpoint.rates!r})"
    place = describe_place(endpoint.site.filename, endpoint.site.line)
    return describe_filt(endpoint.filt), handler, repr(endpoint.permission), place


class Command(BaseCommand):
    """Lists the endpoints that are registered once every app is loaded."""

    help = "List the endpoints: filt, handler, permission, file and line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the beginning of a key."""
        parser.add_argument(
            "key", nargs="?", default="", help="Only those whose key begins like this."
        )

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        """Print one line each, sorted by filt."""
        rows = sorted(
            describe(endpoint)
            for endpoint in payload_io.endpoints
            if endpoint.filt["key"].startswith(key)
        )
        if not rows:
            self.stderr.write("No endpoints. They are looked for in the vortex.py of every app.")
            return
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for *columns, place in rows:
            padded = [f"{text:<{width}}" for text, width in zip(columns, widths, strict=True)]
            self.stdout.write("  ".join([*padded, place]))
