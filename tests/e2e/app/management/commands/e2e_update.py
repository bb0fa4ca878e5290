"""``manage.py e2e_update``: push a row from a process that has no peers of its own."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tests.e2e.app.crud import rows, tickets


class Command(BaseCommand):
    """Takes the primary key of a ticket; pushes it from both handlers."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        async def update_rows() -> None:
            await asyncio.wrap_future(rows.send_model_update(options["id"]))

        tickets.send_model_update(options["id"]).result(60)
        asyncio.run(update_rows())
