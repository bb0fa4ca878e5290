"""A database that cannot do the work now: one clear reply, nothing half done, and life goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from django.db import connections
from django.db.backends.signals import connection_created
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.transports.threads import BlockingPool
from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Reply
from tests.crud.boards import TICKET, Board, ticket

ON_SQLITE = ["django-sqlite", "sqlalchemy-sqlite", "async-sqlite"]
ON_POSTGRES = ["django-postgres", "sqlalchemy-postgres", "async-postgres"]
TRY_AGAIN = "The database cannot do this at the moment and has changed nothing, try again"

TERMINATE = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def is_busy(reply: Reply) -> bool:
    return bool(reply.result == {"error": "busy", "text": TRY_AGAIN} and reply.tuples == [])


class Diary(CrudExtension):
    """Does something in the middle of the first work, and notes what was committed."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.acts = [act]
        self.committed: list[str] = []

    def before_update(self, context: Context, change: Change) -> None:
        if self.acts:
            self.acts.pop()()

    def after_update_commit(self, context: Context, row: Any) -> None:
        self.committed.append(row.title)


class Rendezvous(CrudExtension):
    """Holds the first writers of a row until there are two."""

    def __init__(self) -> None:
        self.requests: set[int] = set()
        self.are_two = asyncio.Event()

    async def after_update(self, context: Context, row: Any) -> None:
        self.requests.add(id(context.request))
        if len(self.requests) == 2:
            self.are_two.set()
        await self.are_two.wait()


@contextmanager
def settings(board: Board, **values: str) -> Iterator[None]:
    """Have new connections to PostgreSQL begin with some settings."""
    for name, value in values.items():
        board.database.execute(f"ALTER DATABASE {board.database.name} SET {name} TO '{value}'")
    yield
    for name in values:
        board.database.execute(f"ALTER DATABASE {board.database.name} RESET {name}")


@contextmanager
def held(board: Board) -> Iterator[None]:
    """Lock the first row, on SQLite all of them."""
    with board.database.engine.connect() as link:
        link.execute(text("UPDATE crud_ticket SET points = 5 WHERE id = 1"))
        yield
        link.rollback()


@contextmanager
def impatient(board: Board) -> Iterator[None]:
    """Have SQLite not wait for others."""

    def set_up(link: Any, record: Any) -> None:
        link.execute("PRAGMA busy_timeout = 0")

    def set_up_django(connection: Any, **kwargs: Any) -> None:
        connection.connection.execute("PRAGMA busy_timeout = 0")

    connection_created.connect(set_up_django)
    engines = [board.database.engine, board.database.async_engine.sync_engine]
    for engine in engines:
        event.listen(engine, "connect", set_up)
    yield
    for engine in engines:
        event.remove(engine, "connect", set_up)
    connection_created.disconnect(set_up_django)


@asynccontextmanager
async def pooled(board: Board, size: int = 2) -> AsyncIterator[dict[str, Any]]:
    """Return what makes a handler use connections that are kept; in the end none is in use."""
    if board.is_django:
        alias = board.database.alias
        connections.settings[alias]["CONN_MAX_AGE"] = None
        board.pool = BlockingPool(1, "kept")  # no other test has its thread, and so its connection
        yield {}
        await board.pool.run_sync(lambda: connections[alias].close())
        board.pool.stop()
        return
    options: Any = {"pool_size": size, "max_overflow": 0, "pool_timeout": 0}
    if isinstance(board.options["session_factory"], async_sessionmaker):
        asynchronous = create_async_engine(board.database.url(is_async=True), **options)
        yield {"session_factory": async_sessionmaker(asynchronous)}
        in_use = asynchronous.pool.checkedout()  # type: ignore[attr-defined]
        await asynchronous.dispose()
    else:
        engine = create_engine(board.database.url(), **options)
        yield {"session_factory": sessionmaker(engine)}
        in_use = engine.pool.checkedout()  # type: ignore[attr-defined]
        engine.dispose()
    assert in_use == 0


async def test_peers_that_save_at_once_all_save(board: Board) -> None:
    """Above all on SQLite, where who has read cannot write once another is going to."""
    board.add_tickets(*"abcd")
    board.handler()
    async with board.connected() as one, board.connected() as two:
        for turn in range(4):
            asked = [
                peer.save(TICKET, [ticket(id=key, title=f"{name}{turn}")])
                for key in range(1, 5)
                for name, peer in (("x", one), ("y", two))
            ]
            assert [reply.result for reply in await asyncio.gather(*asked)] == [True] * 8


@pytest.mark.parametrize("place", ["django-sqlite"], indirect=True)
async def test_lists_wait_for_nobody_who_is_going_to_write(board: Board) -> None:
    board.add_tickets("a")
    board.handler(retrieve_all=True)
    with impatient(board), held(board):
        assert [row["title"] for row in (await board.ask()).tuples] == ["a"]


@pytest.mark.parametrize("place", ON_SQLITE, indirect=True)
async def test_who_finds_the_database_locked_may_try_again(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler()
    with impatient(board):
        with held(board):
            assert is_busy(await board.ask(TICKET, [ticket(id=2, title="x"), ticket(title="y")]))
        assert board.titles() == ["a", "b"]
        assert (await board.ask(TICKET, [ticket(id=2, title="x")])).result is True


@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
async def test_of_two_that_wait_for_each_other_one_may_try_again(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler(extensions=[Rendezvous()])
    async with board.connected() as one, board.connected() as two:
        replies = await asyncio.gather(
            one.ask(TICKET, [ticket(id=1, title="x"), ticket(id=2, title="x")]),
            two.ask(TICKET, [ticket(id=2, title="y"), ticket(id=1, title="y")]),
        )
        assert sorted(map(is_busy, replies)) == [False, True]
        assert board.titles() == (["y", "y"] if is_busy(replies[0]) else ["x", "x"])


@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
@pytest.mark.parametrize("name", ["lock_timeout", "statement_timeout"])
async def test_who_waits_too_long_may_try_again(board: Board, name: str) -> None:
    board.add_tickets("a", "b")
    board.handler()
    with settings(board, **{name: "100ms"}), held(board):
        tuples = [ticket(id=2, title="x"), ticket(id=1, title="x")]
        assert is_busy(await board.ask(TICKET, tuples))
    assert board.titles() == ["a", "b"]
    assert (await board.ask(TICKET, [ticket(id=1, title="x")])).result is True


@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
async def test_who_is_overtaken_may_try_again(board: Board, level: str) -> None:
    board.add_tickets("a")
    diary = Diary(lambda: board.database.execute("UPDATE crud_ticket SET points = 9"))
    board.handler(extensions=[diary])
    with settings(board, default_transaction_isolation=level):
        assert is_busy(await board.ask(TICKET, [ticket(id=1, title="x")]))
        assert diary.committed == []
        assert (await board.ask(TICKET, [ticket(id=1, title="x")])).result is True
    assert diary.committed == ["x"]


@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D2])
@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
async def test_released_clients_get_a_text(board: Board, dialect: Dialect) -> None:
    board.add_tickets("a")
    board.handler(extensions=[Diary(lambda: board.database.execute(TERMINATE))])
    reply = await board.ask(TICKET, [ticket(id=1, title="x")], dialect=dialect)
    assert reply.result == TRY_AGAIN


@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
async def test_a_connection_that_breaks_undoes_the_work_and_no_more(board: Board) -> None:
    board.add_tickets("a", "b")
    diary = Diary(lambda: board.database.execute(TERMINATE))
    async with pooled(board) as options:
        board.handler(extensions=[diary], **options)
        tuples = [ticket(id=1, title="x"), ticket(id=2, title="x")]
        async with board.connected() as peer:
            assert is_busy(await peer.ask(TICKET, tuples))
            assert (board.titles(), diary.committed) == (["a", "b"], [])
            assert (await peer.ask(TICKET, tuples)).result is True
    assert (board.titles(), diary.committed) == (["x", "x"], ["x", "x"])


@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
async def test_connections_that_broke_meanwhile_are_made_anew(board: Board) -> None:
    board.add_tickets("a")
    async with pooled(board) as options:
        board.handler(**options)
        async with board.connected() as peer:
            for _ in range(3):
                assert (await peer.ask({**TICKET, "id": 1})).is_success
            board.database.execute(TERMINATE)
            replies = [await peer.ask({**TICKET, "id": 1}) for _ in range(8)]
    assert all(reply.is_success or is_busy(reply) for reply in replies)
    assert replies[-1].is_success


@pytest.mark.parametrize("place", ON_POSTGRES, indirect=True)
async def test_of_a_connection_that_breaks_at_the_commit_nobody_says_that_nothing_was_done(
    board: Board,
) -> None:
    class Cut(OrmCrudHandler):
        def post_process(self, request: Any, payload: Any) -> None:
            board.database.execute(TERMINATE)

    board.handler(cls=Cut)
    reply = await board.ask(TICKET, [ticket(title="a")])
    assert reply.error.startswith("The server could not answer (ref ")
    assert "look whether it is there" in reply.error
    assert reply.result["error"] == "unknown"
    assert board.titles() == []


@pytest.mark.parametrize("place", ["sqlalchemy-postgres", "async-postgres"], indirect=True)
async def test_who_finds_every_connection_in_use_may_try_again(board: Board) -> None:
    board.add_tickets("a")
    rendezvous = Rendezvous()
    async with pooled(board, size=1) as options:
        board.handler(extensions=[rendezvous], **options)
        async with board.connected() as one, board.connected() as two:
            saving = asyncio.ensure_future(one.ask(TICKET, [ticket(id=1, title="x")]))
            while not rendezvous.requests:
                await asyncio.sleep(0)
            assert is_busy(await two.ask({**TICKET, "id": 1}))
            rendezvous.are_two.set()
            assert (await saving).result is True
