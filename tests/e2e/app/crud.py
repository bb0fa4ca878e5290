"""Handlers of one table over both ORMs, the second with asynchronous sessions."""

from django.conf import settings
from sqlalchemy import Column, Integer, MetaData, NullPool, String, Table
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from django_vortex import Action, AllowAny, ModelPermissions, OrmCrudHandler, Permission, Request
from example_project.airports.vortex import Airports
from example_project.board.models import Ticket

table = Table(
    Ticket._meta.db_table,
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("title", String(80), nullable=False),
    Column("state", String(8), nullable=False),
)
engine = create_async_engine(
    f"sqlite+aiosqlite:///{settings.DATABASES['default']['NAME']}", poolclass=NullPool
)

tickets = OrmCrudHandler(
    {"key": "e2e.django"},
    Ticket,
    fields=["id", "title", "state"],
    type_name="e2e.django",
    permission=AllowAny,
    retrieve_all=True,
    filters=["state"],
    push_on_commit=True,
)
permitted = OrmCrudHandler(
    {"key": "e2e.permitted"},
    Ticket,
    fields=["id", "title", "state"],
    type_name="e2e.permitted",
    permission=ModelPermissions(Ticket),
    retrieve_all=True,
    filters=["state"],
    push_on_commit=True,
)
rows = OrmCrudHandler(
    {"key": "e2e.sqlalchemy"},
    table,
    session_factory=async_sessionmaker(engine),
    fields=["id", "title", "state"],
    type_name="e2e.sqlalchemy",
    permission=AllowAny,
    retrieve_all=True,
    filters=["state"],
    push_on_commit=True,
)


class Own(Permission):
    """Tickets whose state is the name of the user."""

    def scope(self, request: Request, action: Action) -> dict[str, str]:
        return {"state": request.user.username[:8]}


own = OrmCrudHandler(
    {"key": "e2e.own.django"},
    Ticket,
    fields=["id", "title"],
    type_name="e2e.own.django",
    permission=Own,
    retrieve_all=True,
)
own_rows = OrmCrudHandler(
    {"key": "e2e.own.sqlalchemy"},
    table,
    session_factory=async_sessionmaker(engine),
    fields=["id", "title"],
    type_name="e2e.own.sqlalchemy",
    permission=Own,
    retrieve_all=True,
)


class PushedAirports(Airports):
    """The airports of the example, pushed to released clients that have loaded them."""

    filt = {"key": "e2e.airports"}
    type_name = "e2e.PushedAirport"
    push_on_commit = True


pushed_airports = PushedAirports()
