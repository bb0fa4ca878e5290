"""Handlers that put rows of both ORMs into payloads, as applications do without a `RowsHandler`."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from django_vortex import Payload, PayloadEnvelope, Request, endpoint, send, tuple_type
from example_project.airports.tables import Airport, make_session
from tests.e2e.app.models import AirportRow

tuple_type("e2e.AirportRow", fields=["iata", "name", "state"])(AirportRow)


def wrap(rows: Iterable[Any], form: str) -> Any:
    """Return rows in one of the forms in which a handler may return them."""
    if form == "bare":
        return rows
    payload = Payload()
    payload.tuples = rows
    return PayloadEnvelope(payload=payload) if form == "envelope" else payload


@endpoint({"key": "e2e.queryset"})
def reply_with_queryset(request: Request) -> Any:
    """Reply with the airports of a state, which Django has not read yet."""
    return wrap(AirportRow.objects.filter(state=request.filt["state"]), request.filt["form"])


@endpoint({"key": "e2e.queryset_async"})
async def reply_with_queryset_of_a_coroutine(request: Request) -> Any:
    """Do the same on the loop, where Django may not read them."""
    return wrap(AirportRow.objects.filter(state=request.filt["state"]), request.filt["form"])


@endpoint({"key": "e2e.scalars"})
def reply_with_scalars(request: Request) -> Any:
    """Do the same with SQLAlchemy, whose session is closed when the rows are written."""
    wanted = select(Airport).where(Airport.state == request.filt["state"])
    with make_session() as session:
        rows = session.scalars(wanted.order_by(Airport.iata)).all()
    return wrap(rows, request.filt["form"])


@endpoint({"key": "e2e.push_rows"})
def push_rows(request: Request) -> None:
    """Push the airports of a state to everyone."""
    send(
        Payload(
            {"key": "e2e.pushed_rows"},
            tuples=AirportRow.objects.filter(state=request.filt["state"]),
        )
    )
