"""The board of these tests: the same handlers over each store and each database."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import product
from types import ModuleType
from typing import Any

import pytest
from django.db import connections
from sqlalchemy import Engine, event, select
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import connect
from django_vortex.transports.threads import BlockingPool
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.crud import core_tables, django_models, sqlalchemy_tables
from tests.crud.asking import Asker, Record
from tests.crud.databases import Database
from tests.crud.fixtures import FindDatabase

STORES = ["django", "sqlalchemy", "async"]
BOARDS = [f"{store}-{kind}" for store, kind in product(STORES, ["sqlite", "postgres"])]
CORE_BOARDS = ["core-sqlite", "core_async-postgres"]

over_core_tables = pytest.mark.parametrize("place", [*BOARDS, *CORE_BOARDS], indirect=True)
"""For tests that need no relations and no validators: they run over Core tables too."""

TICKET = {"key": "board.ticket"}
FIELDS = ["id", "title", "state", "points", "due", "price"]


@dataclass(frozen=True)
class User:
    """Somebody who is logged in."""

    pk: int
    is_staff: bool = False
    permissions: frozenset[str] = frozenset()
    is_authenticated: bool = True
    is_active: bool = True

    def has_perm(self, name: str) -> bool:
        return name in self.permissions


ANN = User(7)
BOB = User(8)
STAFF = User(9, is_staff=True)


class Board:
    """Handlers with their peers over one store; everything is real but the socket.

    Args:
        database: Where the rows are.
        models: The module of the classes.
        options: What each handler is given to reach the database.
        owned: Gives the rows of a user as the store's ``get_queryset`` gives them.
    """

    def __init__(
        self,
        database: Database,
        models: ModuleType,
        options: dict[str, Any],
        owned: Callable[[int], Any],
        pool: Any,
    ) -> None:
        self.database = database
        self.models = models
        self.options = options
        self.owned = owned
        self.pool = pool
        self.payload_io = PayloadIO()
        self.payload_io.bind(codec=Codec(TupleRegistry()))
        self.handler_class: type[OrmCrudHandler] = OrmCrudHandler
        self._kept: list[Any] = []

    @property
    def is_django(self) -> bool:
        return self.models is django_models

    @property
    def Ticket(self) -> Any:
        return self.models.Ticket

    @property
    def Project(self) -> Any:
        return self.models.Project

    @property
    def Label(self) -> Any:
        return self.models.Label

    @property
    def Seat(self) -> Any:
        return self.models.Seat

    def handler(
        self,
        model: Any = None,
        *more_models: Any,
        filt: dict[str, Any] = TICKET,
        cls: type[OrmCrudHandler] | None = None,
        **options: Any,
    ) -> Any:
        """Serve a model, by default the tickets with `FIELDS` to everybody."""
        if model is None:
            model = self.Ticket
        if model is self.Ticket:
            options = {"fields": FIELDS, "type_name": "board.Ticket", **options}
        options = {"permission": AllowAny, **self.options, **options}
        cls = cls or self.handler_class
        made = cls(filt, model, *more_models, payload_io=self.payload_io, **options)
        self._kept.append(made)
        return made

    @asynccontextmanager
    async def connected(
        self, user: User | None = None, dialect: Dialect = Dialect.NATIVE
    ) -> AsyncIterator[Asker]:
        """Connect a peer."""
        async with connect(user=user, dialect=dialect, payload_io=self.payload_io) as peer:
            if self.pool is not None:
                self.payload_io.bind(run_sync=self.pool.run_sync)
            yield Asker(peer, dialect)

    async def ask(
        self,
        filt: dict[Any, Any] = TICKET,
        tuples: list[Any] | None = None,
        *,
        user: User | None = None,
        dialect: Dialect = Dialect.NATIVE,
    ) -> Any:
        """Ask as a peer that comes for this only."""
        async with self.connected(user, dialect) as peer:
            return await peer.ask(filt, tuples)

    @contextmanager
    def noted(self) -> Iterator[list[str]]:
        """Return the statements that handlers execute meanwhile."""
        statements: list[str] = []

        def note(*arguments: Any) -> None:
            statements.append(arguments[2])

        def note_django(execute: Any, sql: str, *arguments: Any) -> Any:
            statements.append(sql)
            return execute(sql, *arguments)

        pool, alias = self.pool, self.database.alias

        class NotingPool:
            def run_sync(self, function: Callable[[], Any]) -> Any:
                def run() -> Any:
                    with connections[alias].execute_wrapper(note_django):
                        return function()

                assert pool is not None
                return pool.run_sync(run)

        if self.is_django:
            self.pool = NotingPool()
        event.listen(Engine, "before_cursor_execute", note)
        yield statements
        event.remove(Engine, "before_cursor_execute", note)
        self.pool = pool

    def add_tickets(self, *titles: str, **values: Any) -> None:
        """Insert rows behind the handlers; their ids count from 1."""
        for title in titles:
            self.database.add("ticket", title=title, **values)

    def titles(self) -> list[str]:
        """Return the titles in the database, in the order of their ids."""
        return [row["title"] for row in self.database.rows()]


def ticket(**fields: Any) -> Record:
    """Make a ticket as a peer sends it."""
    return Record("board.Ticket", **fields)


@dataclass(frozen=True)
class Place:
    """A store and the database it uses."""

    store: str
    database: Database


@contextmanager
def open_place(name: str, find_database: FindDatabase) -> Iterator[Place]:
    """Empty the database of a place such as ``django-sqlite``, and let Django know it.

    To be called where no loop runs: Django closes its connections only there.
    """
    store, kind = name.split("-")
    database = find_database(kind, "django" if store == "django" else "sqlalchemy")
    database.clear()
    with database.in_django() if store == "django" else nullcontext():
        yield Place(store, database)


def make_django_board(database: Database, pool: BlockingPool | None = None) -> Board:
    """Make the board over the Django ORM."""

    def find_owned(user: int) -> Any:
        return django_models.Ticket.objects.using(database.alias).filter(owner_id=user)

    return Board(database, django_models, {"using": database.alias}, find_owned, pool)


@asynccontextmanager
async def open_board(place: Place, pool: BlockingPool | None) -> AsyncIterator[Board]:
    """Make the board of a place.

    Args:
        place: Where its rows are.
        pool: Where plain code runs, None for the test's own thread.
    """
    database = place.database
    if place.store == "django":
        yield make_django_board(database, pool)
        return
    models: ModuleType = core_tables if place.store.startswith("core") else sqlalchemy_tables
    options: dict[str, Any]
    if place.store.endswith("async"):
        options = {"session_factory": async_sessionmaker(database.async_engine)}
    else:
        options = {"session_factory": sessionmaker(database.engine)}

    def select_owned(user: int) -> Any:
        return select(models.Ticket).where(core_tables.Ticket.c.owner_id == user)

    yield Board(database, models, options, select_owned, pool)
