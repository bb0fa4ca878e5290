"""Tables that have moved by more than was told are found, within a budget."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import pairwise
from typing import Any

import pytest

from django_vortex.live.changes import Change, Table
from django_vortex.live.looks import Look, Looks
from django_vortex.live.sweep import SHARE, Sweep, SweepOptions
from tests.support.virtual_time import run_in_virtual_time

TICKET = Table("pg", "ticket")
LABEL = Table("pg", "label")
AIRPORT = Table("lite", "airport")
STOCK = Table("other", "stock")


class FakeDatabases:
    """Databases whose counters tests move; asking them takes time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.rows = {"ticket": 0, "label": 0}
        self.version = 0
        self.asked: list[tuple[str, set[str]]] = []
        self.error: Exception | None = None
        self._seconds = seconds

    def look(self, database: str, tables: Collection[str]) -> Look | None:
        self.asked.append((database, set(tables)))
        if self.error is not None:
            raise self.error
        if database == "pg":
            return Look({name: self.rows[name] for name in tables if name in self.rows})
        return Look(marks=dict.fromkeys(tables, self.version)) if database == "lite" else None

    async def run_sync(self, function: Callable[[], Look | None]) -> Look | None:
        await asyncio.sleep(self._seconds)
        return function()


class FakeWatches:
    """Watches of some tables; notes when each was told."""

    def __init__(self, *tables: Table, seconds: float = 0.0) -> None:
        self.tables = set(tables)
        self.told: list[tuple[float, Table]] = []
        self._seconds = seconds

    def find_watched_tables(self) -> Collection[Table]:
        return set(self.tables)

    def tell(self, changes: Sequence[Change], /) -> None:
        now = asyncio.get_running_loop().time()
        self.told += [(now, one.table) for one in changes]

    def estimate_seconds(self, table: Table, /) -> float:
        return self._seconds

    def take(self) -> list[Table]:
        taken = [table for _, table in self.told]
        self.told.clear()
        return taken


def sweep_with(
    watches: FakeWatches,
    databases: FakeDatabases,
    test: Callable[[Sweep], Awaitable[Any]],
    **options: Any,
) -> None:
    """Run a test beside a sweep that begins at once, with a period of a minute."""

    async def main() -> None:
        made = SweepOptions(
            databases.look,
            databases.run_sync,
            **{"seconds": 60.0, "jitter": lambda: 0.0, **options},
        )
        sweep = Sweep(watches, made, asyncio.get_running_loop().time)
        task = asyncio.get_running_loop().create_task(sweep.run())
        try:
            await test(sweep)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run_in_virtual_time(main())


def test_only_tables_that_moved_unexplained_are_evaluated() -> None:
    watches, databases = FakeWatches(TICKET, LABEL), FakeDatabases()

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(30.0)
        assert watches.take() == [LABEL, TICKET]  # nobody knows what was before
        databases.rows["ticket"] += 3
        sweep.note([Change(TICKET, rows=3)])
        await asyncio.sleep(60.0)
        assert watches.take() == []
        databases.rows["label"] += 1
        await asyncio.sleep(60.0)
        assert watches.take() == [LABEL]
        await asyncio.sleep(600.0)
        assert watches.take() == []
        assert sweep.moved == 3
        assert sweep.period_seconds == pytest.approx(60.0)

    sweep_with(watches, databases, test)
    assert databases.asked[0] == ("pg", {"ticket", "label"})
    assert len(databases.asked) == 13


def test_any_commit_moves_all_tables_of_a_file() -> None:
    watches, databases = FakeWatches(AIRPORT), FakeDatabases()

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(30.0)
        assert watches.take() == [AIRPORT]
        databases.version += 1
        sweep.note([Change(AIRPORT, rows=1)])
        await asyncio.sleep(60.0)
        assert watches.take() == [AIRPORT]
        await asyncio.sleep(60.0)
        assert watches.take() == []

    sweep_with(watches, databases, test)


def test_tables_that_cannot_be_asked_for_take_turns_over_the_period() -> None:
    tables = [Table("other", f"stock{number}") for number in range(6)]
    view = Table("pg", "view")
    watches = FakeWatches(view, *tables)

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(59.0)
        assert {table for _, table in watches.told} == {view, *tables}
        times = [time for time, _ in watches.told]
        pauses = [later - time for time, later in pairwise(times)]
        assert min(pauses) > 7.0
        await asyncio.sleep(60.0)
        assert len(watches.told) == 14

    sweep_with(watches, FakeDatabases(), test)


def test_nothing_is_asked_where_nothing_is_watched() -> None:
    databases = FakeDatabases()

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(300.0)

    sweep_with(FakeWatches(), databases, test)
    assert databases.asked == []


def test_processes_do_not_ask_at_the_same_time() -> None:
    databases = FakeDatabases()

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(44.0)
        assert databases.asked == []
        await asyncio.sleep(2.0)
        assert len(databases.asked) == 1

    sweep_with(FakeWatches(TICKET), databases, test, jitter=lambda: 0.75)


def test_period_stretches_visibly_where_the_budget_is_too_small(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tables = [Table("other", f"stock{number}") for number in range(10)]
    watches = FakeWatches(*tables, seconds=1.0)

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(3_000.0)
        assert len(watches.told) <= 3_000.0 * SHARE + 1
        assert sweep.period_seconds == pytest.approx(10 * 1.0 / SHARE, rel=0.1)

    with caplog.at_level(logging.WARNING):
        sweep_with(watches, FakeDatabases(), test)
    assert "s in place of 60, since it may take no more than 2 %" in caplog.text


def test_asking_a_slow_database_is_within_the_budget() -> None:
    databases = FakeDatabases(seconds=3.0)

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(3_000.0)

    sweep_with(FakeWatches(TICKET), databases, test)
    assert len(databases.asked) * 3.0 <= 3_000.0 * SHARE + 3.0


def test_database_that_does_not_answer_is_no_reason_to_believe_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watches, databases = FakeWatches(TICKET), FakeDatabases()
    databases.error = ConnectionError("away")

    async def test(sweep: Sweep) -> None:
        await asyncio.sleep(110.0)
        assert watches.take() == [TICKET, TICKET]
        databases.error = None
        await asyncio.sleep(60.0)
        assert watches.take() == [TICKET]
        await asyncio.sleep(60.0)
        assert watches.take() == []

    sweep_with(watches, databases, test)
    assert "Could not ask pg which tables have moved" in caplog.text


def test_first_adapter_that_knows_a_database_is_asked() -> None:
    looks = Looks()
    look = Look({"ticket": 1})

    def know_nothing(database: str, tables: Collection[str]) -> Look | None:
        return None

    def know(database: str, tables: Collection[str]) -> Look | None:
        return look if database == "pg" else None

    for adapter in (know_nothing, know, know):
        looks.add(adapter)
    assert looks.look("pg", ["ticket"]) is look
    assert looks.look("other", ["ticket"]) is None
