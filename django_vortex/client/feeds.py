"""All readers of one client: `Feeds`.

Takes registrations, gives each reader its `Feed`; holds the stream for a moment while one of them
is full, and ends them all with the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

from django_vortex.client.errors import ClientError
from django_vortex.client.feed import Feed, Waiting
from django_vortex.client.news import Event
from django_vortex.logs import get_limited_logger

logger = get_limited_logger("django_vortex.client")

HOLD_SECONDS: Final = 1.0
"""How long the stream is held for a reader that is full; everybody else waits for it, too."""

_T = TypeVar("_T")

Register: TypeAlias = Callable[[Callable[[_T], None]], Callable[[], object]]
"""Takes what adds an item, gives what ends that."""


class Feeds:
    """The feeds of one client; for the event loop on which it was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._finish: dict[object, Callable[[ClientError], None]] = {}
        self._events: list[Callable[[Event], None]] = []
        self._full: set[Waiting[Any]] = set()

    def open(self, max_waiting: int, register: Register[_T]) -> Feed[_T]:
        """Return a feed that is registered until it is closed, or its last reference is gone."""
        feed: Feed[_T] = Feed(max_waiting, lambda waiting: self._full.add(waiting))
        self.adopt(feed, register)
        return feed

    def adopt(self, feed: Feed[_T], register: Register[_T]) -> None:
        """Register a feed until it is closed, or its last reference is gone."""
        unregister = register(feed.put)
        key = object()
        self._finish[key] = feed.finish

        def release() -> None:
            unregister()
            self._finish.pop(key, None)

        def release_on_loop() -> None:
            """Do so also where a feed is collected in another thread."""
            if is_running_here(self._loop):
                release()
            elif not self._loop.is_closed():
                self._loop.call_soon_threadsafe(release)

        feed.on_release(release_on_loop)

    def open_events(self, max_waiting: int) -> Feed[Event]:
        """Return a feed of what happens to the connection."""

        def register(put: Callable[[Event], None]) -> Callable[[], None]:
            self._events.append(put)
            return lambda: self._events.remove(put)

        return self.open(max_waiting, register)

    def hear(self, listener: Callable[[Event], None]) -> None:
        """Let a part of the client hear of what happens to the connection, as first of all."""
        self._events.insert(0, listener)

    def tell(self, event: Event) -> None:
        """Tell all who hear of events."""
        for put in list(self._events):
            put(event)

    def finish(self, error: ClientError) -> None:
        """End all feeds with an error."""
        for finish in list(self._finish.values()):
            finish(error)

    @property
    def is_full(self) -> bool:
        """Whether `make_room` would wait."""
        return bool(self._full)

    async def make_room(self) -> None:
        """Wait until no feed is full, at most `HOLD_SECONDS`; what is full then drops."""
        full, self._full = self._full, set()
        read = asyncio.Event()
        for one in full:
            one.on_room = read.set
        try:
            async with asyncio.timeout(HOLD_SECONDS):
                while not all(one.has_room for one in full):
                    read.clear()
                    await read.wait()
        except TimeoutError:
            logger.warning("A reader is too slow; what it has no room for is dropped")
        finally:
            for one in full:
                one.is_overdue = not one.has_room
                one.on_room = None


def is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether a loop is the one that runs in this thread."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:  # none runs here
        return False
