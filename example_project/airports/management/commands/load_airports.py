"""``manage.py load_airports``: fill the table from the file that ``vega_datasets`` carries."""

import csv
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from rich.progress import track

from example_project.airports.models import Airport

ROWS_PER_BATCH = 200
UNKNOWN = "NA"
"""What the file says where a city or a state is not known."""


def read_airports() -> list[Airport]:
    """Read the airports of the file, without the ``import vega_datasets`` that imports pandas."""
    path = Path(str(distribution("vega_datasets").locate_file("vega_datasets/_data/airports.csv")))
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Airport(
                iata=row["iata"],
                name=row["name"],
                city="" if row["city"] == UNKNOWN else row["city"],
                state="" if row["state"] == UNKNOWN else row["state"],
                country=row["country"],
                latitude=float(row["latitude"]),
                longitude=float(row["longitude"]),
            )
            for row in csv.DictReader(file)
        ]


class Command(BaseCommand):
    """Inserts the airports that are missing and brings the others up to date."""

    help = "Load the airports of the United States. May be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write all airports in one transaction, with a bar that shows how far it is."""
        airports = read_airports()
        starts = range(0, len(airports), ROWS_PER_BATCH)
        is_quiet = options["verbosity"] < 1
        with transaction.atomic():
            for start in track(starts, "Loading airports", disable=is_quiet):
                Airport.objects.bulk_create(
                    airports[start : start + ROWS_PER_BATCH],
                    update_conflicts=True,
                    unique_fields=["iata"],
                    update_fields=["name", "city", "state", "country", "latitude", "longitude"],
                )
        if not is_quiet:
            self.stdout.write(f"{Airport.objects.count()} airports are in the database.")
