"""Handlers that put rows of both ORMs into payloads, as applications do without a `RowsHandler`."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from django_vortex import Payload, PayloadEnvelope, Request, endpoint, send, tuple_type
from example_project.airports.models import Airport


class Base(DeclarativeBase):
    """The classes of the other ORM."""


@tuple_type("e2e.AirportRow")
class AirportRow(Base):
    """The table of the example project, as SQLAlchemy sees it."""

    __tablename__ = "airports_airport"

    id: Mapped[int] = mapped_column(primary_key=True)
    iata: Mapped[str]
    name: Mapped[str]
    state: Mapped[str]


engine = create_engine(f"sqlite:///{settings.DATABASES['default']['NAME']}")


def wrap(rows: Iterable[Any], form: str) -> Any:
    """Give rows in one of the forms in which a handler may return them."""
    if form == "bare":
        return rows
    payload = Payload()
    payload.tuples = rows
    return PayloadEnvelope(payload=payload) if form == "envelope" else payload


@endpoint({"key": "e2e.queryset"})
def reply_with_queryset(request: Request) -> Any:
    """Reply with the airports of a state, which Django has not read yet."""
    return wrap(Airport.objects.filter(state=request.filt["state"]), request.filt["form"])


@endpoint({"key": "e2e.queryset_async"})
async def reply_with_queryset_of_a_coroutine(request: Request) -> Any:
    """Do the same on the loop, where Django may not read them."""
    return wrap(Airport.objects.filter(state=request.filt["state"]), request.filt["form"])


@endpoint({"key": "e2e.scalars"})
def reply_with_scalars(request: Request) -> Any:
    """Do the same with SQLAlchemy, whose session is closed when the rows are written."""
    wanted = select(AirportRow).where(AirportRow.state == request.filt["state"])
    with Session(engine) as session:
        rows = session.scalars(wanted.order_by(AirportRow.iata)).all()
    return wrap(rows, request.filt["form"])


@endpoint({"key": "e2e.push_rows"})
def push_rows(request: Request) -> None:
    """Push the airports of a state to everyone."""
    send(
        Payload(
            {"key": "e2e.pushed_rows"}, tuples=Airport.objects.filter(state=request.filt["state"])
        )
    )
