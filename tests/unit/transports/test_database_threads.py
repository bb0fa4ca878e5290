"""Threads of the async ORM: who gets which, and when connections are cleaned up."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async

from django_vortex.transports import database_threads
from django_vortex.transports.database_threads import DatabaseThreads, close_broken_connections


@pytest.fixture
def threads() -> Iterator[DatabaseThreads]:
    threads = DatabaseThreads(2, "test-database")
    yield threads
    threads.stop()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    events: list[str] = []
    monkeypatch.setattr(database_threads, "close_old_connections", lambda: events.append("old"))
    monkeypatch.setattr(
        database_threads, "close_broken_connections", lambda: events.append("broken")
    )
    return events


async def name_thread() -> str:
    return await sync_to_async(lambda: threading.current_thread().name)()


async def test_task_keeps_its_thread_and_so_do_those_it_starts(threads: DatabaseThreads) -> None:
    async def ask() -> set[str]:
        names = {await name_thread()}
        names.add(await asyncio.create_task(name_thread()))
        names |= set(await asyncio.gather(name_thread(), name_thread()))
        names.add(await name_thread())
        return names

    with threads.entered():
        assert len(await asyncio.create_task(ask())) == 1


async def test_tasks_at_the_same_time_have_threads_of_their_own_while_there_are_any(
    threads: DatabaseThreads,
) -> None:
    go_on = asyncio.Event()

    async def ask() -> str:
        name = await name_thread()
        await go_on.wait()
        return name

    with threads.entered():
        tasks = [asyncio.create_task(ask()) for _ in range(4)]
        await asyncio.sleep(0)
    go_on.set()
    names = sorted(await asyncio.gather(*tasks))
    assert [name.split("_")[0] for name in names] == [
        *["test-database-0"] * 2,
        *["test-database-1"] * 2,
    ]


async def test_tasks_one_after_the_other_share_one_thread(threads: DatabaseThreads) -> None:
    with threads.entered():
        assert len({await asyncio.create_task(name_thread()) for _ in range(5)}) == 1


async def test_connections_are_cleaned_up_around_a_task(
    threads: DatabaseThreads, events: list[str]
) -> None:
    async def ask() -> None:
        for _ in range(3):
            await sync_to_async(events.append)("call")

    with threads.entered():
        await asyncio.create_task(ask())
        await asyncio.create_task(name_thread())
    assert events[:5] == ["old", *["call"] * 3, "old"]


async def test_task_that_asks_nothing_starts_no_thread(
    threads: DatabaseThreads, events: list[str]
) -> None:
    before = threading.active_count()
    with threads.entered():
        await asyncio.create_task(asyncio.sleep(0))
    assert not events
    assert threading.active_count() == before


async def test_connections_in_use_by_others_are_not_closed_for_their_age(
    events: list[str],
) -> None:
    threads = DatabaseThreads(1, "test-database")
    go_on = asyncio.Event()

    async def ask() -> None:
        await sync_to_async(events.append)("call")
        await go_on.wait()

    with threads.entered():
        holding = asyncio.create_task(ask())
        await asyncio.sleep(0)
        while "call" not in events:
            await asyncio.sleep(0)
        await asyncio.create_task(name_thread())
        go_on.set()
        await holding
        await asyncio.create_task(name_thread())
    threads.stop()
    assert events[:5] == ["old", "call", "broken", "broken", "old"]


class FakeConnection:
    """A connection that is broken, or only seemed to be."""

    def __init__(self, *, is_usable: bool, in_atomic_block: bool = False) -> None:
        self.connection = object()
        self.in_atomic_block = in_atomic_block
        self.errors_occurred = True
        self.health_check_done = True
        self.is_closed = False
        self._is_usable = is_usable

    def is_usable(self) -> bool:
        return self._is_usable

    def close(self) -> None:
        self.is_closed = True


def test_only_broken_connections_outside_of_transactions_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, whole = FakeConnection(is_usable=False), FakeConnection(is_usable=True)
    in_transaction = FakeConnection(is_usable=False, in_atomic_block=True)

    class Connections:
        def all(self, *, initialized_only: bool) -> list[FakeConnection]:
            assert initialized_only
            return [broken, whole, in_transaction]

    monkeypatch.setattr(database_threads, "connections", Connections())
    close_broken_connections()
    assert [one.is_closed for one in (broken, whole, in_transaction)] == [True, False, False]
    assert not whole.errors_occurred
    assert not whole.health_check_done
