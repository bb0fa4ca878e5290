"""The requests of one peer: so many run at a time, each in a task of its own, the rest wait."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Set
from typing import Any, Final, TypeAlias

from django_vortex.logs import get_limited_logger
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import MESSAGE_ID

logger = get_limited_logger("django_vortex.server")

PENDING_FACTOR: Final = 16
"""How many times the requests in flight may wait, when a transport does not heed `ready`."""

MAX_RUNNING_BYTES: Final = 8_388_608
"""Bytes of memory of the messages whose requests run, about; larger ones run alone."""

DECODED_FACTOR: Final = 20
"""Bytes of memory for each byte of filt and result: an empty list is three of JSON."""

MAX_PENDING_BYTES: Final = 33_554_432
"""Bytes of the messages that may wait, unless a single one has more."""

READ_AHEAD_FACTOR: Final = 8
"""How many times the requests in flight may wait before a transport reads no more."""

MAX_READ_AHEAD: Final = 64
"""How many may at the most: what is behind them may be a cancellation of what runs."""

READ_AHEAD_BYTES: Final = 65_536
"""Bytes of the messages that may."""

Answer: TypeAlias = Callable[[PayloadEnvelope], Coroutine[Any, Any, None]]


class Requests:
    """Runs ``answer`` for each envelope, at most ``limit`` at a time, begun in the order given.

    They count by the memory that they take as well: so many small requests may run that as many
    large ones would not fit into it, and all that lives makes the garbage collector slow.

    `ready` lets a transport read no more from a peer that has too many requests waiting.
    """

    __slots__ = (
        "_answer",
        "_limit",
        "_pending",
        "_pending_bytes",
        "_read_ahead",
        "_ready",
        "_running",
        "_running_bytes",
    )

    def __init__(self, answer: Answer, limit: int) -> None:
        self._answer = answer
        self._limit = limit
        self._read_ahead = min(READ_AHEAD_FACTOR * limit, MAX_READ_AHEAD)
        # Only while something runs: most peers ask rarely. Memory and message id of each.
        self._running: dict[asyncio.Task[None], tuple[int, object]] | None = None
        self._running_bytes = 0
        self._pending_bytes = 0
        self._pending: OrderedDict[object, PayloadEnvelope] | None = None
        self._ready: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._running or ()) + len(self._pending or ())

    @property
    def is_ready(self) -> bool:
        """Whether `ready` would return at once."""
        pending = self._pending
        return not pending or (
            len(pending) <= self._read_ahead and self._pending_bytes <= READ_AHEAD_BYTES
        )

    @property
    def tasks(self) -> Set[asyncio.Task[None]]:
        """The tasks of the requests that run."""
        return frozenset() if self._running is None else self._running.keys()

    def add(self, envelope: PayloadEnvelope) -> bool:
        """Start a request or let it wait; False when so many wait that it is refused."""
        size = envelope.size
        if not self._pending:
            memory = _get_memory(envelope)
            if self._may_start(memory):
                self._start(envelope, memory)
                return True
            self._pending = OrderedDict()
        elif (
            len(self._pending) >= self._limit * PENDING_FACTOR
            or self._pending_bytes + size > MAX_PENDING_BYTES
        ):
            return False
        message_id = envelope.filt.get(MESSAGE_ID)
        unique = isinstance(message_id, str) and message_id not in self._pending
        self._pending[message_id if unique else object()] = envelope
        self._pending_bytes += size
        return True

    def withdraw(self, message_id: object) -> bool:
        """Cancel the request with an id, or forget it if it waits; tell whether there was one."""
        if not isinstance(message_id, str):
            return False
        if self._pending and (envelope := self._pending.pop(message_id, None)) is not None:
            self._pending_bytes -= envelope.size
            self._wake_if_ready()
            return True
        for task, (memory, known) in (self._running or {}).items():
            if known == message_id and self._running is not None:
                self._running[task] = memory, None  # a second time would disturb its cleaning up
                return task.cancel()
        return False

    async def ready(self) -> None:
        """Wait until a transport may read on."""
        while not self.is_ready:
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
        self._running[task] = memory, envelope.filt.get(MESSAGE_ID)
        self._running_bytes += memory
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:  # else asyncio would say so, with all that led to it
            logger.error("A request could not be answered", exc_info=error)
        if self._running is not None:
            self._running_bytes -= self._running.pop(task, (0, None))[0]
        if self._pending:
            self._start_pending(self._pending)
        if not self._running:
            self._running = None

    def _start_pending(self, pending: OrderedDict[object, PayloadEnvelope]) -> None:
        while pending:
            envelope = next(iter(pending.values()))
            memory = _get_memory(envelope)
            if not self._may_start(memory):
                break
            pending.popitem(last=False)
            self._pending_bytes -= envelope.size
            self._start(envelope, memory)
        self._wake_if_ready()

    def _forget_pending(self) -> None:
        self._pending = None
        self._pending_bytes = 0
        self._wake_if_ready()

    def _wake_if_ready(self) -> None:
        if self._ready is not None and self.is_ready:
            self._ready.set()
            self._ready = None


def _get_memory(envelope: PayloadEnvelope) -> int:
    return envelope.size + DECODED_FACTOR * envelope.beside_size
