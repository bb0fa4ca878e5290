"""The requests of one peer: so many run at a time, each in a task of its own, the rest wait."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Set
from typing import Any, Final, TypeAlias

from django_vortex.logs import get_limited_logger
from django_vortex.wire.envelope import PayloadEnvelope

logger = get_limited_logger("django_vortex.server")

PENDING_FACTOR: Final = 16
"""How many times the requests in flight may wait, when a transport does not heed `ready`."""

MAX_RUNNING_BYTES: Final = 8_388_608
"""Bytes of memory of the messages whose requests run, about; larger ones run alone."""

DECODED_FACTOR: Final = 20
"""Bytes of memory for each byte of filt and result: an empty list is three of JSON."""

MAX_PENDING_BYTES: Final = 33_554_432
"""Bytes of the messages that may wait, unless a single one has more."""

Answer: TypeAlias = Callable[[PayloadEnvelope], Coroutine[Any, Any, None]]


class Requests:
    """Runs ``answer`` for each envelope, at most ``limit`` at a time, begun in the order given.

    They count by the memory that they take as well: so many small requests may run that as many
    large ones would not fit into it, and all that lives makes the garbage collector slow.

    `ready` lets a transport read no more from a peer that has requests waiting.
    """

    __slots__ = (
        "_answer",
        "_limit",
        "_pending",
        "_pending_bytes",
        "_ready",
        "_running",
        "_running_bytes",
    )

    def __init__(self, answer: Answer, limit: int) -> None:
        self._answer = answer
        self._limit = limit
        # Only while something runs: most peers ask rarely.
        self._running: dict[asyncio.Task[None], int] | None = None
        self._running_bytes = 0
        self._pending_bytes = 0
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
        return frozenset() if self._running is None else self._running.keys()

    def add(self, envelope: PayloadEnvelope) -> bool:
        """Start a request or let it wait; False when so many wait that it is refused."""
        size = envelope.size
        if not self._pending:
            memory = _find_memory(envelope)
            if self._may_start(memory):
                self._start(envelope, memory)
                return True
            self._pending = deque()
        elif (
            len(self._pending) >= self._limit * PENDING_FACTOR
            or self._pending_bytes + size > MAX_PENDING_BYTES
        ):
            return False
        self._pending.append(envelope)
        self._pending_bytes += size
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

    def _may_start(self, memory: int) -> bool:
        if not self._running:
            return True
        if len(self._running) >= self._limit:
            return False
        return self._running_bytes + memory <= MAX_RUNNING_BYTES

    def _start(self, envelope: PayloadEnvelope, memory: int) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(envelope))
        if self._running is None:
            self._running = {}
        self._running[task] = memory
        self._running_bytes += memory
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:  # else asyncio would say so, with all that led to it
            logger.error("A request could not be answered", exc_info=error)
        if self._running is not None:
            self._running_bytes -= self._running.pop(task, 0)
        if self._pending:
            while self._pending and self._may_start(memory := _find_memory(self._pending[0])):
                envelope = self._pending.popleft()
                self._pending_bytes -= envelope.size
                self._start(envelope, memory)
            if not self._pending:
                self._wake()
        if not self._running:
            self._running = None

    def _forget_pending(self) -> None:
        self._pending = None
        self._pending_bytes = 0
        self._wake()

    def _wake(self) -> None:
        if self._ready is not None:
            self._ready.set()
            self._ready = None


def _find_memory(envelope: PayloadEnvelope) -> int:
    return envelope.size + DECODED_FACTOR * envelope.beside_size
