"""The fan-out over a carrier that may lose or repeat messages: `SequencedFanOut`.

One task sends, in order, and puts what waits into one message; one task receives. Every record has
the number of its process and a sequence number, so what was lost is noticed and what was repeated
is dropped, however the carrier fails. A message has the version in which its records are written.
"""

import asyncio
import logging
import os
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple, TypeVar

from django_vortex.exceptions import DeliveryError
from django_vortex.routing.ports import is_task_cancelled
from django_vortex.server.carrier import Carrier
from django_vortex.server.fan_out import ReceiveRecord, Record, ReportGap, ReportSent
from django_vortex.server.sequences import Sequences
from django_vortex.server.strangers import Strangers
from django_vortex.wire.versions import UNNUMBERED_VERSION, VERSION

logger = logging.getLogger("django_vortex.fan_out")

MESSAGE_TYPE: Final = "vortex.records"
"""The ``type`` of the messages, which Channels wants to see."""

MAX_BATCH_BYTES: Final = 262_144
"""About so many bytes travel in one message, unless a single record is larger."""

MAX_BATCH_RECORDS: Final = 1000
"""So many records travel in one message at most."""

MAX_WAITING_BYTES: Final = 67_108_864
"""About so many bytes may wait to be sent; what comes then is refused."""

RENEW_SECONDS: Final = 10.0
"""Time between two renewals of the membership, which may expire, or be lost without an error."""

GIVE_UP_SECONDS: Final = 30.0
"""How long a message is tried again before it is given up."""

JOIN_SECONDS: Final = 5.0
"""How long the start waits for the membership."""

TURN_SECONDS: Final = 0.01
"""How long records are taken before the loop gets its turn."""

CANCEL_SECONDS: Final = 0.1
"""How long a task has for hearing that it is cancelled, before it is told again."""

CANCEL_ATTEMPTS: Final = 20

_HOPELESS: Final = (TypeError, ValueError, OverflowError)
"""What a layer raises for a message that it can not carry, however often it is tried."""

_BACKOFF_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

_T = TypeVar("_T")


class _Waiting(NamedTuple):
    sequence: int
    record: Record
    size: int
    report_sent: ReportSent | None


class SequencedFanOut:
    """A `FanOut` over any `Carrier`.

    Args:
        carrier: What moves the messages.
        is_listening: Whether records of other processes are wanted; a process without peers
            only sends.
        give_up_seconds: How long a message is tried again before it is lost.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        carrier: Carrier,
        *,
        is_listening: bool = True,
        give_up_seconds: float = GIVE_UP_SECONDS,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:
        self.process = f"{os.getpid()}-{secrets.token_hex(6)}"
        """The id of this process."""
        self.last_sequence = 0
        """The sequence number of the newest record published here."""
        self._carrier = carrier
        self._is_listening = is_listening
        self._give_up_seconds = give_up_seconds
        self._sleep = sleep
        self._waiting: deque[_Waiting] = deque()
        self._waiting_size = 0
        self._in_flight: list[_Waiting] = []
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._sequences = Sequences()
        self._strangers = Strangers()
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopped = False
        self._receive: ReceiveRecord | None = None
        self._report_gap: ReportGap | None = None

    async def start(self, receive: ReceiveRecord, report_gap: ReportGap | None = None) -> None:
        """Begin to receive and to send; see `FanOut.start`."""
        if self._tasks:
            return
        self._receive = receive
        self._report_gap = report_gap
        loops = [self._publish_for_ever()]
        if self._is_listening:
            await self._join()
            loops += [self._receive_for_ever(), self._renew_for_ever()]
        self._tasks = [asyncio.get_running_loop().create_task(loop) for loop in loops]

    def publish(self, record: Record, report_sent: ReportSent | None = None) -> int:
        """Queue a record for every other process; see `FanOut.publish`."""
        if self._is_stopped:
            raise DeliveryError("The process is ending")
        size = record_size(record)
        if self._waiting and self._waiting_size + size > MAX_WAITING_BYTES:
            raise DeliveryError(f"The channel layer is too slow: {self._waiting_size} bytes wait")
        self.last_sequence += 1
        self._waiting.append(_Waiting(self.last_sequence, record, size, report_sent))
        self._waiting_size += size
        self._work.set()
        self._idle.clear()
        return self.last_sequence

    async def flush(self, seconds: float) -> int:
        """Wait until what was published was sent or given up; see `FanOut.flush`."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return len(self._in_flight) + len(self._waiting)
        return 0

    async def stop(self, seconds: float) -> None:
        """Send what waits, for at most so long, then end. May be called twice."""
        if not self._tasks:
            return
        if await self.flush(seconds):
            logger.error("The channel layer took too long at the end")
        self._is_stopped = True
        tasks, self._tasks = self._tasks, []
        await _cancel(tasks)
        unsent = [*self._in_flight, *self._waiting]
        self._give_up(unsent, DeliveryError("The process ended before it was sent"))
        self._in_flight = []
        self._waiting.clear()
        if self._is_listening:
            try:
                await asyncio.wait_for(self._carrier.leave(), max(0.1, seconds))
            except Exception as error:
                logger.info("The channel layer could not be left: %r", error)

    async def _publish_for_ever(self) -> None:
        while True:
            await self._work.wait()
            batch = self._in_flight = self._take_batch()
            if not batch:
                self._work.clear()
                self._idle.set()
                continue
            await self._send_batch(batch)

    async def _send_batch(self, batch: list[_Waiting]) -> None:
        """Send what is in flight and report it; a record that can not travel is lost alone."""
        message = {
            "type": MESSAGE_TYPE,
            "version": VERSION,
            "process": self.process,
            "first": batch[0].sequence,
            "records": [waiting.record for waiting in batch],
        }
        error = await self._send(message)
        if isinstance(error, _HOPELESS) and len(batch) > 1:
            for index, waiting in enumerate(batch):
                self._in_flight = batch[index:]
                await self._send_batch([waiting])
            return
        self._in_flight = []
        if error is not None:
            self._give_up(batch, DeliveryError(f"The channel layer failed: {error!r}"))
            return
        for waiting in batch:
            if waiting.report_sent is not None:
                waiting.report_sent(None)

    async def _send(self, message: dict[str, Any]) -> Exception | None:
        """Send a message, again and again if need be, and give the last error if it was in vain."""
        slept = 0.0
        for attempt in range(1_000_000):
            try:
                await _uncancelled(self._carrier.send(message))
                return None
            except _HOPELESS as error:
                return error
            except Exception as error:
                seconds = _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)]
                if slept + seconds > self._give_up_seconds:
                    return error
                if not attempt:
                    logger.warning("The channel layer did not take a message: %r", error)
                slept += seconds
                await self._sleep(seconds)
        raise AssertionError("unreachable")

    def _take_batch(self) -> list[_Waiting]:
        """Take out what fits into one message. Sequence numbers in a batch follow each other."""
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH_RECORDS:
            size += self._waiting[0].size
            if batch and size > MAX_BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
        self._waiting_size -= sum(waiting.size for waiting in batch)
        return batch

    def _give_up(self, batch: list[_Waiting], error: DeliveryError) -> None:
        if not batch:
            return
        logger.error("%d records are lost: %s", len(batch), error)
        for waiting in batch:
            if waiting.report_sent is not None:
                waiting.report_sent(error)

    async def _receive_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                if failures:
                    await asyncio.wait_for(self._carrier.join(), JOIN_SECONDS)
                message = await _uncancelled(self._carrier.receive())
            except Exception as error:
                if not failures:
                    logger.warning("Receiving from the channel layer failed: %r", error)
                seconds = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]
                failures += 1
                await self._sleep(seconds)
                continue
            failures = 0
            try:
                await self._take(message)
            except Exception:
                logger.exception("A message of the channel layer could not be taken")
            # The next may be there already, and then receiving it does not wait at all.
            await asyncio.sleep(0)

    async def _take(self, message: dict[str, Any]) -> None:
        version = message.get("version", UNNUMBERED_VERSION)
        if self._strangers.is_stranger(str(message.get("process")), version):
            return
        process = message["process"]
        if process == self.process or self._receive is None:
            return
        clock = asyncio.get_running_loop().time
        turn = clock()
        for sequence, record in enumerate(message["records"], message["first"]):
            place = self._sequences.take(process, sequence)
            if place.lost and self._report_gap is not None:
                self._report_gap(process, place.lost)
            if place.is_new:
                self._receive(process, sequence, record)
            if clock() - turn > TURN_SECONDS:
                await asyncio.sleep(0)
                turn = clock()

    async def _renew_for_ever(self) -> None:
        while True:
            await self._sleep(RENEW_SECONDS)
            await self._join()

    async def _join(self) -> None:
        try:
            await asyncio.wait_for(self._carrier.join(), JOIN_SECONDS)
        except Exception as error:
            logger.warning("The channel layer could not be joined: %r", error)


async def _uncancelled(awaitable: Coroutine[Any, Any, _T]) -> _T:
    """Await something of a carrier.

    Raises:
        ConnectionError: It was cancelled, but not by us: that would end the task without a word.
    """
    try:
        return await awaitable
    except asyncio.CancelledError as error:
        if is_task_cancelled():
            raise
        raise ConnectionError("The channel layer has cancelled itself") from error


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended.

    Once is not enough: a blocking read of redis-py now and then takes a cancellation for nothing,
    and the core layer then reads on.
    """
    running = set(tasks)
    for _ in range(CANCEL_ATTEMPTS):
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_SECONDS)
        if not running:
            break
    await asyncio.gather(*set(tasks) - running, return_exceptions=True)


def record_size(value: Any) -> int:
    """Return about how many bytes a record takes on the way."""
    if isinstance(value, bytes | str):
        return len(value) + 5
    if isinstance(value, dict):
        return sum(len(key) + record_size(item) for key, item in value.items()) + 5
    if isinstance(value, list):
        return sum(map(record_size, value)) + 5
    return 9
