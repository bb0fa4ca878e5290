"""What clients can ask this app for; found by django_vortex like an ``admin.py``."""

from collections.abc import Iterable

from django_vortex import Request, RowsHandler, endpoint, tuple_type
from example_project.airports.models import Airport

tuple_type("airports.Airport", exclude=["id"])(Airport)

airports = RowsHandler({"key": "airports.all"}, Airport)


@endpoint({"key": "airports.echo"})
async def echo(request: Request) -> Iterable[object]:
    """Reply with the tuples that came."""
    return request.payload.tuples
