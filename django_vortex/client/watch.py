"""One reader of a watched answer: `Watch`, and what has changed for it: `Changes`.

Takes snapshots, gives answers. A reader that is slow gets the newest one, not each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from django_vortex.client.errors import Closed, TimedOut
from django_vortex.client.feed import Feed, Waiting
from django_vortex.client.watched import Snapshot
from django_vortex.exceptions import VortexError
from django_vortex.live.orders import find_longest_increasing
from django_vortex.typedefs import Filt

_T = TypeVar("_T")


class Newest(Waiting[_T], Generic[_T]):
    """What waits for a reader that wants the newest item alone; there is always room for it."""

    def put(self, item: _T) -> None:
        """Put an item in the place of what waits."""
        if self.end is None and not self.is_closed:
            self.items.clear()
            self.items.append(item)
            self.wake()


class Subscribed(Protocol):
    """What all readers of the same watch share."""

    @property
    def filt(self) -> Filt:
        """What is watched."""

    @property
    def error(self) -> VortexError | None:
        """Why there is no newer answer; None if there is no reason known."""

    @property
    def is_current(self) -> bool:
        """Whether the server keeps the answer up to date at the moment."""

    @property
    def newest(self) -> Subscribed:
        """The one that is in its place, where two turned out to be the same; mostly itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What has become of an answer since its reader saw it last.

    Attributes:
        answer: The whole answer as it is now: a list, or a single tuple or value.
        added: The rows that are new, in order; of the first answer all.
        changed: Pairs of a row before and now, in the order of now.
        removed: The rows that are not there any more.
        moved: The rows that have another place among the others, as few as tell the new order.
    """

    answer: Any
    added: list[Any]
    changed: list[tuple[Any, Any]]
    removed: list[Any]
    moved: list[Any]


class Watch(Feed[Snapshot]):
    """An answer that the server keeps up to date, for one reader: ``async for`` over it.

    Each step waits until the answer is another one than in the step before and gives the whole of
    it: a list, or a single tuple or value where the server answers with one. A reader that is slow
    gets the newest one. Rows that are unchanged are the same objects as before; the lists are the
    reader's own, the rows are not: they are shared with all who watch the same.

    Leaving ``async with``, `aclose`, or dropping the last reference ends it. A failure that may
    pass does not end the iteration: `error` tells it, until there is an answer again. Where the
    server ends the watch, the reader gets `WatchEnded` behind what waits, and where the client
    ends, its error.
    """

    def __init__(self, subscribed: Subscribed) -> None:
        super().__init__(waiting=Newest(1, _ignore))
        self._subscribed = subscribed
        self._seen: Snapshot | None = None

    def __repr__(self) -> str:
        return f"<Watch {self._subscribed.filt!r}>"

    @property
    def answer(self) -> Any:
        """The answer that was read last, None before the first."""
        return None if self._seen is None else self._seen.answer

    @property
    def error(self) -> VortexError | None:
        """Why there is no newer answer at the moment, as far as that is known; mostly None."""
        return self._subscribed.newest.error

    @property
    def is_current(self) -> bool:
        """Whether the server keeps the answer up to date at the moment."""
        return self._subscribed.newest.is_current

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return (await self._read())[1].answer

    async def next(self, timeout: float | None = None) -> Any:
        """Wait for the next answer and return it.

        Raises:
            TimedOut: There was none in ``timeout`` seconds; `error` may be its cause.
            WatchEnded: The server has ended the watch.
            Closed: It was closed here, or the client is closed.
        """
        try:
            async with asyncio.timeout(timeout):
                return await anext(self)
        except TimeoutError:
            text = f"No other answer to {self._subscribed.filt!r} within {timeout:g} s"
            error = self.error
            told = text if error is None else f"{text}: {error}"
            raise TimedOut(told) from error
        except StopAsyncIteration:
            raise Closed("The watch is closed") from None

    def changes(self) -> ChangesReader:
        """Read what has changed in the place of whole answers: ``async for`` over it."""
        return ChangesReader(self)

    async def _read(self) -> tuple[Snapshot | None, Snapshot]:
        """Return what was read last and what is read now."""
        before, self._seen = self._seen, await Feed.__anext__(self)
        return before, self._seen


class ChangesReader:
    """What has changed in the answer of a `Watch`; it ends with that."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def __aiter__(self) -> Self:
        return self

    async def aclose(self) -> None:
        """End the watch."""
        self._watch.close()

    async def __anext__(self) -> Changes:
        return compare(*await self._watch._read())


def compare(before: Snapshot | None, now: Snapshot) -> Changes:
    """Return what has changed between two snapshots of the same watch."""
    places = {} if before is None else {line: at for at, line in enumerate(before.lines)}
    added: list[Any] = []
    changed: list[tuple[Any, Any]] = []
    common: list[tuple[int, Any]] = []
    for row, line in zip(now.rows, now.lines, strict=True):
        at = places.pop(line, None)
        if before is None or at is None:
            added.append(row)
            continue
        common.append((at, row))
        if before.rows[at] is not row:
            changed.append((before.rows[at], row))
    removed = [] if before is None else [before.rows[at] for at in places.values()]
    return Changes(now.answer, added, changed, removed, _find_moved(common))


def _find_moved(common: Iterable[tuple[int, Any]]) -> list[Any]:
    rows = list(common)
    staying = find_longest_increasing([at for at, _ in rows])
    return [row for index, (_, row) in enumerate(rows) if index not in staying]


def _ignore(waiting: Waiting[Any]) -> None:
    """There is always room."""
