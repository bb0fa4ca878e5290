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

from django_vortex.exceptions import ClientError, Overflow

MAX_WAITING: Final = 1000
"""How many may wait for their reader, by default."""

_T = TypeVar("_T")


class _Waiting(Generic[_T]):
    """What waits for the reader of a `Feed`; holds no reference to the feed itself.

    So a feed that its reader has dropped is collected, and its registration ends.
    """

    def __init__(self, max_waiting: int) -> None:
        self.items: deque[_T] = deque()
        self.lost = 0
        self.end: ClientError | None = None
        self.is_closed = False
        self.waiter: asyncio.Future[None] | None = None
        self._max_waiting = max_waiting

    def put(self, item: _T) -> None:
        if self.end is not None or self.is_closed:
            return
        if self.lost or len(self.items) >= self._max_waiting:
            self.lost += 1
        else:
            self.items.append(item)
        self.wake()

    def finish(self, error: ClientError) -> None:
        if self.end is None:
            self.end = error
            self.wake()

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class Feed(Generic[_T]):
    """What comes for one reader: ``async with`` it, ``async for`` over it.

    Once more waits than there is room for, what comes is dropped until the reader has read what
    waits and has been told by `Overflow`; it can go on after that. When the client ends, the reader
    gets what is there and then the client's error.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._waiting: _Waiting[_T] = _Waiting(max_waiting)
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
        self._waiting.is_closed = True
        self._waiting.items.clear()
        self._waiting.wake()
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
                return waiting.items.popleft()
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
