"""What clients can ask this app for; found by django_vortex like an ``admin.py``."""

from django_vortex import Request, RowsHandler, endpoint, tuple_type
from example_project.airports.models import Airport

tuple_type("airports.Airport", exclude=["id"])(Airport)

airports = RowsHandler({"key": "airports.all"}, Airport)


@endpoint({"key": "airports.echo"})
async def echo(request: Request) -> list[object]:
    """Reply with the tuples that came."""
    return list(request.payload.tuples)
