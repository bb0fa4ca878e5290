"""What clients can ask this app for; found by django_vortex like an ``admin.py``."""

from sqlalchemy import select

from django_vortex import OrmCrudHandler, Request, RowsHandler, endpoint, tuple_type
from example_project.airports.tables import Airport, make_session

FIELDS = ["iata", "name", "city", "state", "country", "latitude", "longitude"]

tuple_type("airports.Airport", fields=FIELDS)(Airport)


class EveryAirport(RowsHandler):
    """All airports at once, for reading."""

    key = "airports.all"
    model = Airport
    session_factory = make_session
    queryset = select(Airport).order_by(Airport.iata)


class Airports(OrmCrudHandler):
    """The airports that clients edit, in pages."""

    key = "airports.airport"
    model = Airport
    session_factory = make_session
    type_name = "airports.AirportRow"
    fields = FIELDS
    client_keys = True
    version_field = "version"
    retrieve_all = True
    filters = ["state", "iata__istartswith", "name__icontains", "latitude__gt"]
    ordering = ["iata", "name", "city", "state", "latitude"]
    page_size = 50


@endpoint({"key": "airports.echo"})
async def echo(request: Request) -> list[object]:
    """Reply with the tuples that came."""
    return list(request.payload.tuples)
