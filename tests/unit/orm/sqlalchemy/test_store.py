"""Sessions are ours: committed once, always closed, whatever made them."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.store import RefusedByDatabase, Scope
from tests.unit.orm.library import Library, open_library, run_in_thread
from tests.unit.orm.shelves import (
    Author,
    Book,
)

tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path) as library:
        yield library


def change_title(unit: Any, library: Library) -> None:
    rows = unit.rows(library.shape(Book), Scope())
    row = rows.get_many([(1,)])[1,]
    rows.set_values(row, {"title": "changed"})
    rows.update(row, ["title"])


FACTORIES: dict[str, tuple[bool, Callable[[Any], Any]]] = {
    "sessionmaker": (False, sessionmaker),
    "scoped_session": (False, lambda engine: scoped_session(sessionmaker(engine))),
    "function": (False, lambda engine: lambda: Session(engine)),
    "async_sessionmaker": (True, async_sessionmaker),
    "async_scoped_session": (
        True,
        lambda engine: async_scoped_session(async_sessionmaker(engine), asyncio.current_task),
    ),
    "async function": (True, lambda engine: lambda: async_sessionmaker(engine)()),
}


@pytest.fixture(params=list(FACTORIES))
async def store(request: pytest.FixtureRequest, library: Library) -> Any:
    """The store over each kind of factory; no connection may be in use at the end."""
    is_async, make = FACTORIES[request.param]
    if not is_async:
        yield SqlAlchemyStore(make(library.engine), run_in_thread)
        return
    engine = create_async_engine(f"sqlite+aiosqlite:///{library.path}")
    yield SqlAlchemyStore(make(engine), run_in_thread)
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    await engine.dispose()


async def test_work_is_committed_when_its_result_is_there(store: Any, library: Library) -> None:
    await store.run(lambda unit: change_title(unit, library))
    assert library.query("SELECT title FROM book WHERE id = 1") == [("changed",)]


async def test_work_that_fails_leaves_nothing(store: Any, library: Library) -> None:
    def work(unit: Any) -> None:
        change_title(unit, library)
        raise LookupError

    with pytest.raises(LookupError):
        await store.run(work)
    assert library.query("SELECT title FROM book WHERE id = 1") == [("one",)]


async def test_a_hook_waits_for_the_loop_and_knows_its_context(
    store: Any, library: Library
) -> None:
    loop = asyncio.get_running_loop()

    async def hook() -> tuple[bool, str]:
        await asyncio.sleep(0)
        return asyncio.get_running_loop() is loop, tenant.get()

    def work(unit: Any) -> Any:
        change_title(unit, library)
        return unit.wait(hook())

    tenant.set("acme")
    assert await store.run(work) == (True, "acme")


async def test_what_is_refused_at_the_commit_is_told(store: Any, library: Library) -> None:
    def work(unit: Any) -> None:
        unit.session.add(Author(name="Ann"))  # a hook that leaves writing to the commit

    with pytest.raises(RefusedByDatabase, match="Another row has this already"):
        await store.run(work)


async def test_a_failure_of_the_database_is_nobodys_refusal(store: Any) -> None:
    with pytest.raises(OperationalError):
        await store.run(lambda unit: unit.session.execute(text("SELECT * FROM nowhere")))


async def test_a_cancelled_request_closes_its_session(library: Library) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{library.path}")
    store = SqlAlchemyStore(async_sessionmaker(engine), run_in_thread)
    waiting = asyncio.Event()

    async def wait_forever() -> None:
        waiting.set()
        await asyncio.Event().wait()

    def work(unit: Any) -> None:
        change_title(unit, library)
        unit.wait(wait_forever())

    task = asyncio.ensure_future(store.run(work))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    await engine.dispose()
    assert library.query("SELECT title FROM book WHERE id = 1") == [("one",)]


def test_asynchronous_sessions_are_not_used_without_a_loop(library: Library) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{library.path}")
    makers: list[Any] = [async_sessionmaker(engine), lambda: async_sessionmaker(engine)()]
    for factory in makers:
        store = SqlAlchemyStore(factory, run_in_thread)
        with pytest.raises(DefinitionError, match="sessions are asynchronous"):
            store.run_here(lambda unit: None)


def test_the_session_of_the_caller_is_left_alone(library: Library) -> None:
    scoped = scoped_session(sessionmaker(library.engine))
    store = SqlAlchemyStore(scoped, run_in_thread)
    scoped.add(Author(name="Unsaved"))
    store.run_here(lambda unit: unit.session.get(Author, 1))
    assert [author.name for author in scoped.new] == ["Unsaved"]
    scoped.remove()


@pytest.mark.parametrize(("end", "calls"), [("commit", [1]), ("rollback", [])])
def test_what_waits_for_the_commit_of_the_caller_waits(
    library: Library, end: str, calls: list[int]
) -> None:
    scoped = scoped_session(sessionmaker(library.engine))
    store = SqlAlchemyStore(scoped, run_in_thread)
    called: list[int] = []
    scoped.add(Author(name="New"))
    scoped.flush()
    store.after_commit(lambda: called.append(1))
    assert called == []
    getattr(scoped, end)()
    assert called == calls
    scoped.add(Author(name="Newer"))
    scoped.commit()
    assert called == calls
    scoped.remove()


def test_without_a_transaction_nothing_waits(library: Library) -> None:
    scoped = scoped_session(sessionmaker(library.engine))
    called: list[int] = []
    for factory in (library.factory, scoped, scoped):
        SqlAlchemyStore(factory, run_in_thread).after_commit(lambda: called.append(1))
        scoped()
    assert called == [1, 1, 1]
    scoped.remove()
