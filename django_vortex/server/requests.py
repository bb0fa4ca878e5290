"""The requests of one peer: so many run at a time, each in a task of its own, the rest wait."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Set
from typing import Any, Final, TypeAlias

from django_vortex.wire.envelope import PayloadEnvelope

PENDING_FACTOR: Final = 16
"""How many times the requests in flight may wait, when a transport does not heed `ready`."""

Answer: TypeAlias = Callable[[PayloadEnvelope], Coroutine[Any, Any, None]]


class Requests:
    """Runs ``answer`` for each envelope, at most ``limit`` at a time, begun in the order given.

    `ready` lets a transport read no more from a peer that has requests waiting.
    """

    __slots__ = ("_answer", "_limit", "_pending", "_ready", "_running")

    def __init__(self, answer: Answer, limit: int) -> None:
        self._answer = answer
        self._limit = limit
        # Only while something runs: an empty set is 216 bytes, and most peers ask rarely.
        self._running: set[asyncio.Task[None]] | None = None
        self._pending: deque[PayloadEnvelope] | None = None
        self._ready: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._running or ()) + len(self._pending or ())

    @property
    def is_ready(self) -> bool:
        """Whether `ready` would return at once."""
        return not self._pending

    @property
    def tasks(self) -> Set[asyncio.Task[None]]:
        """The tasks of the requests that run."""
        return frozenset() if self._running is None else self._running

    def add(self, envelope: PayloadEnvelope) -> bool:
        """Start a request or let it wait; False when so many wait that it is refused."""
        if len(self.tasks) < self._limit:
            self._start(envelope)
            return True
        if self._pending is None:
            self._pending = deque()
        if len(self._pending) >= self._limit * PENDING_FACTOR:
            return False
        self._pending.append(envelope)
        return True

    async def ready(self) -> None:
        """Wait until no request waits for another to end."""
        while self._pending:
            if self._ready is None:
                self._ready = asyncio.Event()
            await self._ready.wait()

    def cancel(self) -> None:
        """Cancel what runs and forget what waits; the tasks end soon after."""
        self._forget_pending()
        for task in tuple(self.tasks):
            task.cancel()

    def _start(self, envelope: PayloadEnvelope) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(envelope))
        if self._running is None:
            self._running = set()
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._running is not None:
            self._running.discard(task)
        if self._pending:
            self._start(self._pending.popleft())
            if not self._pending:
                self._wake()
        if not self._running:
            self._running = None

    def _forget_pending(self) -> None:
        self._pending = None
        self._wake()

    def _wake(self) -> None:
        if self._ready is not None:
            self._ready.set()
            self._ready = None
