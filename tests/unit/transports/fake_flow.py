"""A connection whose socket is full when a test says so."""

import asyncio
from typing import Any

from django_vortex.transports.flow import Flow


class FakeFlow(Flow):
    """Keeps what is sent.

    Attributes:
        events: What was sent.
        failure: What sending raises, if anything.
        aborted: Set by `abort`.
    """

    __slots__ = ("_room", "aborted", "events", "failure")

    def __init__(self) -> None:
        super().__init__(self._take)
        self.events: list[dict[str, Any]] = []
        self.failure: Exception | None = None
        self.aborted = asyncio.Event()
        self._room = asyncio.Event()

    def fill(self) -> None:
        """Let the socket be full."""
        self.is_writable = False
        self._room.clear()

    def drain(self) -> None:
        """Let the peer have read everything."""
        self.is_writable = True
        self._room.set()

    async def wait_writable(self) -> None:
        await self._room.wait()

    def wake(self) -> None:
        self._room.set()

    def abort(self) -> None:
        self.aborted.set()

    async def _take(self, event: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.events.append(event)
