"""Finding writes that nobody has told: `Sweep`.

Such are writes of a process that was killed between a commit and its telling, and those that cannot
be seen. In each period every database with watched tables is asked whether they have moved; the
answers that depend on those that have, by more than was told, are evaluated. Where a database
cannot be asked, its tables take turns. All of it together takes a small share of a processor: where
that is not enough the period stretches.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from django_vortex.live.changes import Change, Table
from django_vortex.live.ledger import Ledger
from django_vortex.live.looks import Look, LookAt
from django_vortex.logs import get_limited_logger

logger: logging.Logger = get_limited_logger("django_vortex.live")

SHARE: Final = 0.02
"""How much of a processor the sweep may take, with the evaluations that it causes."""

TOLD_SECONDS: Final = 2.0
"""How long a change may take from its commit until it is told here."""


class Swept(Protocol):
    """The watches that are swept."""

    def find_watched_tables(self) -> Collection[Table]:
        """Return the tables that some watch depends on."""

    def tell(self, changes: Sequence[Change], /) -> object:
        """Take changes that are committed."""

    def estimate_seconds(self, table: Table, /) -> float:
        """Return how long the answers take together that depend on a table."""


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """How a sweep is made.

    Attributes:
        look: Asks a database; in a thread, since it blocks.
        run_sync: Runs it in one.
        seconds: The period.
        jitter: Returns a number from 0 to 1, so that processes do not ask all at once.
    """

    look: LookAt
    run_sync: Callable[[Callable[[], Look | None]], Awaitable[Look | None]]
    seconds: float
    jitter: Callable[[], float] = random.random


class Sweep:
    """The sweep of one server.

    Args:
        swept: What is swept.
        options: How.
        clock: The monotonic clock.

    Attributes:
        period_seconds: How long the last one took, from its begin to that of the next.
        moved: How many tables were found that had moved by more than was told.
    """

    def __init__(self, swept: Swept, options: SweepOptions, clock: Callable[[], float]) -> None:
        self._swept = swept
        self._options = options
        self._clock = clock
        self._ledger = Ledger(min(TOLD_SECONDS, options.seconds / 2))
        self._free_at = clock()
        self.period_seconds = options.seconds
        self.moved = 0

    def note(self, changes: Sequence[Change]) -> None:
        """Take changes that were told, before they are evaluated."""
        self._ledger.note(changes, self._clock())

    async def run(self) -> None:
        """Sweep until this is cancelled."""
        await asyncio.sleep(self._options.seconds * self._options.jitter())
        while True:
            begun_at = self._clock()
            try:
                await self.sweep(begun_at + self._options.seconds)
            except Exception:
                logger.exception("A sweep for changes that nobody has told has failed")
            self.period_seconds = max(self._clock() - begun_at, self._options.seconds)
            if self.period_seconds > 2 * self._options.seconds:
                logger.warning(
                    "A sweep for changes that nobody has told took %.0f s in place of %.0f, since "
                    "it may take no more than %d %% of a processor",
                    self.period_seconds,
                    self._options.seconds,
                    SHARE * 100,
                )
            await self._wait_until(begun_at + self._options.seconds)

    async def sweep(self, ends_at: float) -> None:
        """Ask all databases once, and have evaluated what depends on tables that have moved.

        Args:
            ends_at: Until when tables that cannot be asked for take their turns.
        """
        watched: defaultdict[str, set[str]] = defaultdict(set)
        tables = self._swept.find_watched_tables()
        self._ledger.keep(tables)
        for table in tables:
            watched[table.database].add(table.name)
        unknown: set[Table] = set()
        for database, names in watched.items():
            look = await self._look(database, names)
            if look is not None:
                self._ledger.take(database, look, self._clock())
            known = () if look is None else look.tables
            unknown.update(Table(database, name) for name in names.difference(known))
        if watched:
            await self._settle(ends_at, unknown)

    async def _settle(self, ends_at: float, unknown: set[Table]) -> None:
        """Evaluate what has moved, once tellings that are on their way have come."""
        settled_at = self._clock() + min(TOLD_SECONDS, self._options.seconds / 2)
        await self._wait_until(settled_at)
        for table in sorted(self._ledger.find_moved(self._clock())):
            self.moved += 1
            await self._evaluate(table)
        for left, table in zip(range(len(unknown), 0, -1), sorted(unknown), strict=True):
            await self._evaluate(table)
            await self._wait_until(self._clock() + max(0.0, ends_at - self._clock()) / left)

    async def _look(self, database: str, names: set[str]) -> Look | None:
        await self._wait_until(self._free_at)
        begun_at = self._clock()
        try:
            return await self._options.run_sync(partial(self._options.look, database, names))
        except Exception:
            logger.warning("Could not ask %s which tables have moved", database, exc_info=True)
            return None
        finally:
            self._spend(self._clock() - begun_at)

    async def _evaluate(self, table: Table) -> None:
        await self._wait_until(self._free_at)
        if table in self._swept.find_watched_tables():
            self._spend(self._swept.estimate_seconds(table))
            # Not noted: it says nothing of what the database counts.
            self._swept.tell([Change(table)])

    def _spend(self, seconds: float) -> None:
        """Note that something was done for so long, so that nothing is for much longer."""
        self._free_at = max(self._free_at, self._clock()) + seconds / SHARE

    async def _wait_until(self, time: float) -> None:
        while (seconds := time - self._clock()) > 0:
            await asyncio.sleep(seconds)
