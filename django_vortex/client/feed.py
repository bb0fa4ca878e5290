"""A bounded queue between the client and one reader of the application: `Feed`.

The client puts and never waits; a reader that is too slow is told how much it has missed.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable
from copy import copy
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from django_vortex.client.errors import ClientError, Overflow

MAX_WAITING: Final = 1000
"""How many may wait for their reader, by default."""

_T = TypeVar("_T")


class Waiting(Generic[_T]):
    """What waits for the reader of a `Feed`; holds no reference to the feed itself.

    So a feed that its reader has dropped is collected, and its registration ends.

    Attributes:
        is_overdue: Whether the stream was held for this reader for long enough: what does not fit
            is dropped now, until half of what waits is read.
    """

    def __init__(self, max_waiting: int, report_full: Callable[[Waiting[_T]], object]) -> None:
        self.items: deque[_T] = deque()
        self.lost = 0
        self.end: ClientError | None = None
        self.is_closed = False
        self.is_overdue = False
        self.waiter: asyncio.Future[None] | None = None
        self.on_room: Callable[[], object] | None = None
        """Called when there is room again, while somebody waits for that."""
        self._max_waiting = max_waiting
        self._report_full = report_full

    @property
    def has_room(self) -> bool:
        """Whether the stream need not be held for this reader any more: it has read half."""
        return self.is_closed or self.end is not None or len(self.items) <= self._max_waiting // 2

    def put(self, item: _T) -> None:
        """Add an item, or count it as lost."""
        if self.end is not None or self.is_closed:
            return
        if self.lost or (self.is_overdue and len(self.items) >= self._max_waiting):
            self.lost += 1
        else:
            self.items.append(item)
            if len(self.items) >= self._max_waiting and not self.is_overdue:
                self._report_full(self)
        self.wake()

    def take(self) -> _T:
        """Take the next item."""
        item = self.items.popleft()
        self.is_overdue &= not self.has_room
        if self.on_room is not None:
            self.on_room()
        return item

    def finish(self, error: ClientError) -> None:
        """Let the reader have an error behind what is there."""
        if self.end is None:
            self.end = error
            self.wake()

    def close(self) -> None:
        """Drop what waits; there is no reader any more."""
        self.is_closed = True
        self.items.clear()
        self.wake()
        if self.on_room is not None:
            self.on_room()

    def wake(self) -> None:
        """Let the reader look again."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class Feed(Generic[_T]):
    """What comes for one reader: ``async with`` it, ``async for`` over it.

    Once as much waits as there is room for, the connection is not read for a moment. If that does
    not help, what comes is dropped until the reader has read what waits and has been told by
    `Overflow`; it can go on after that. When the client ends, the reader gets what is there and
    then the client's error.
    """

    def __init__(
        self,
        max_waiting: int = MAX_WAITING,
        report_full: Callable[[Waiting[_T]], object] = lambda waiting: None,
        *,
        waiting: Waiting[_T] | None = None,
    ) -> None:
        self._waiting = Waiting(max_waiting, report_full) if waiting is None else waiting
        self._release: weakref.finalize[..., Feed[_T]] | None = None

    @property
    def put(self) -> Callable[[_T], None]:
        """What adds an item; holds no reference to the feed."""
        return self._waiting.put

    @property
    def finish(self) -> Callable[[ClientError], None]:
        """What ends the feed with an error; holds no reference to the feed."""
        return self._waiting.finish

    def on_release(self, release: Callable[[], object]) -> None:
        """Call something once when the feed is closed, or its last reference is gone."""
        self._release = weakref.finalize(self, release)
        self._release.atexit = False

    def close(self) -> None:
        """End it; a reader that waits ends, too."""
        self._waiting.close()
        if self._release is not None:
            self._release()

    async def aclose(self) -> None:
        """End it."""
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _T:
        waiting = self._waiting
        while True:
            if waiting.is_closed:
                raise StopAsyncIteration
            if waiting.items:
                return waiting.take()
            if waiting.lost:
                lost, waiting.lost = waiting.lost, 0
                raise Overflow(lost)
            if waiting.end is not None:
                raise copy(waiting.end)
            if waiting.waiter is not None and not waiting.waiter.done():
                raise ClientError("Two tasks read from the same feed")
            waiting.waiter = asyncio.get_running_loop().create_future()
            try:
                await waiting.waiter
            finally:
                waiting.waiter = None
