"""Queries whose values no database has: `Sources`.

A source is an asynchronous generator. It is opened with the first watcher of a question and closed
with the last; each value that it yields is the answer until the next one. Used on one event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Final

from django_vortex.live.changes import Change, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.questions import Question
from django_vortex.live.recording import not_recording

SOURCES: Final = "vortex.sources"
"""Stands in the place of the database of values that come from sources."""

_numbers = count(1)


class _Source:
    """A generator that is open. The next value is asked for when the last was looked at.

    Args:
        values: The generator.
        tell: Tells that there is another value.
    """

    def __init__(self, values: AsyncIterator[Any], tell: Callable[[Change], object]) -> None:
        self.table = Table(SOURCES, str(next(_numbers)))
        self.error: Exception | None = None
        self.value: Any = None
        self._values = values
        self._tell = tell
        self._has_value = asyncio.Event()
        self._is_seen = asyncio.Event()
        with not_recording():
            self._task = asyncio.get_running_loop().create_task(self._pump())

    async def get(self) -> Any:
        """Return the newest value, which may have to be waited for.

        Raises:
            Exception: What the generator has raised.
        """
        await self._has_value.wait()
        self._is_seen.set()
        if self.error is not None:
            raise self.error
        return self.value

    def close(self) -> None:
        """End it."""
        self._task.cancel()

    async def _pump(self) -> None:
        try:
            async for value in self._values:
                self.value = value
                self._is_seen.clear()
                self._note()
                await self._is_seen.wait()
        except Exception as error:
            self.error = error
        finally:
            self._note()
            close = getattr(self._values, "aclose", None)
            if close is not None:
                with suppress(asyncio.CancelledError):
                    await close()

    def _note(self) -> None:
        is_first = not self._has_value.is_set()
        self._has_value.set()
        if not is_first:
            self._tell(Change(self.table))


class Sources:
    """The sources that are open, by question."""

    def __init__(self) -> None:
        self._open: dict[Question, _Source] = {}
        self._tell: Callable[[Sequence[Change]], object] = _tell_nobody

    def __len__(self) -> int:
        return len(self._open)

    def bind(self, tell: Callable[[Sequence[Change]], object]) -> None:
        """Set who is told that a source has another value."""
        self._tell = tell

    async def get_newest(
        self, question: Question, make: Callable[[], AsyncIterator[Any]]
    ) -> tuple[Any, Dependency]:
        """Return the newest value of a source, and what it depends on.

        Args:
            question: Whose source.
            make: Opens it, if it is not open.

        Raises:
            Exception: What it has raised; the next call opens it anew.
        """
        source = self._open.get(question)
        if source is None:
            source = self._open[question] = _Source(make(), lambda change: self._tell([change]))
        try:
            value = await source.get()
        except BaseException:
            self.close(question)
            raise
        return value, Dependency(source.table)

    def close(self, question: Question) -> None:
        """Close the source of a question, if it has one that is open."""
        source = self._open.pop(question, None)
        if source is not None:
            source.close()

    def close_all(self) -> None:
        """Close all sources."""
        for question in tuple(self._open):
            self.close(question)


def _tell_nobody(changes: Sequence[Change]) -> None:
    """Tell nobody, before there are watches."""
