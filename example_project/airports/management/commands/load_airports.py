"""``manage.py load_airports``: fill the table from the file that ``vega_datasets`` carries."""

import csv
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from rich.progress import track
from sqlalchemy import insert, select

from example_project.airports.tables import Airport, Base, engine, make_session

ROWS_PER_BATCH = 200
UNKNOWN = "NA"
"""What the file says where a city or a state is not known."""


def read_airports() -> list[dict[str, Any]]:
    """Read the airports of the file, without the ``import vega_datasets`` that imports pandas."""
    path = Path(str(distribution("vega_datasets").locate_file("vega_datasets/_data/airports.csv")))
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {
                "iata": row["iata"],
                "name": row["name"],
                "city": "" if row["city"] == UNKNOWN else row["city"],
                "state": "" if row["state"] == UNKNOWN else row["state"],
                "country": row["country"],
                "latitude": float(row["latitude"]),
                "longitude": float(row["longitude"]),
            }
            for row in csv.DictReader(file)
        ]


class Command(BaseCommand):
    """Makes the table and inserts the airports that are missing; those that are there stay."""

    help = "Load the airports of the United States. May be run again: edited ones stay as they are."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write all airports in one transaction, with a bar that shows how far it is."""
        is_quiet = options["verbosity"] < 1
        Base.metadata.create_all(engine)
        with make_session.begin() as session:
            known = set(session.scalars(select(Airport.iata)))
            missing = [airport for airport in read_airports() if airport["iata"] not in known]
            starts = range(0, len(missing), ROWS_PER_BATCH)
            for start in track(starts, "Loading airports", disable=is_quiet or not missing):
                session.execute(insert(Airport), missing[start : start + ROWS_PER_BATCH])
        if not is_quiet:
            self.stdout.write(f"{len(known) + len(missing)} airports are in the database.")
