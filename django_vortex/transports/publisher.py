"""Push from a process without a server to the peers of others: `Publisher`.

One daemon thread with a loop and a connection to the layer, started by the first push of a
process, and by the first one after a fork again. Callers may wait until the layer has their record,
which is what counts in processes that end by ``os._exit``; elsewhere what waits is sent at the end.
"""

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 - its end must be registered before ours
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final

from django_vortex.conf import get_settings
from django_vortex.exceptions import DeliveryError
from django_vortex.locks import Lock
from django_vortex.routing.address import Address
from django_vortex.server.delivery import coalesce_key
from django_vortex.server.fan_out import Record
from django_vortex.server.pushes import push_record
from django_vortex.server.sequenced_fan_out import SequencedFanOut
from django_vortex.transports.layer import make_fan_out
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope

logger = logging.getLogger("django_vortex.fan_out")

FLUSH_SECONDS: Final = 5.0
"""How long callers and the end of a process wait for the layer, and a push tries a failing one."""

LAST_SECONDS: Final = 0.5
"""What of that is left at least for what is sent while the process is ending already."""

ANSWER_SECONDS: Final = 1.0
"""How much longer the thread has for saying that its time is over; a layer may block it."""


class Publisher:
    """Publishes over the channel layer from any thread of a process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: _Worker | None = None

    def push(
        self, envelope: PayloadEnvelope, to: Address, *, coalesce: bool, codec: Codec, wait: bool
    ) -> "Future[int]":
        """Push an envelope; see `publish`."""
        date = int(time.time() * 1000)
        key = coalesce_key(envelope, codec) if coalesce else None
        return self.publish(push_record(envelope, to, date, key, codec), wait=wait)

    def publish(self, record: Record, *, wait: bool) -> "Future[int]":
        """Pass a record on to all processes.

        Args:
            record: What they get.
            wait: Whether to return only when the layer has taken it.

        Returns:
            A future that is done when the layer has it, with 0, or with a `DeliveryError` where
            there is no layer.

        Raises:
            DeliveryError: Waited, and the layer failed or did not take it in time.
        """
        future: Future[int] = Future()
        future.set_running_or_notify_cancel()
        worker = self._get_worker()
        if worker is None:
            future.set_exception(
                DeliveryError(
                    "No server runs in this process, and no channel layer leads to another:"
                    " CHANNEL_LAYERS has none that other processes share"
                )
            )
        else:
            worker.push(record, future)
            if wait:
                _wait_for(future)
        return future

    def flush(self, seconds: float) -> int:
        """Wait until the layer has what was published here, or that was given up.

        Args:
            seconds: How long at most.

        Returns:
            How many records still wait.
        """
        worker = self._worker
        if worker is None or worker.pid != os.getpid():
            return 0
        return len(wait(worker.unsent.copy(), seconds).not_done)

    def stop(self) -> None:
        """Send what waits and end the thread, if there is one; a later push starts another."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _get_worker(self) -> "_Worker | None":
        with self._lock:
            if self._worker is None or self._worker.pid != os.getpid():
                fan_out = make_fan_out(
                    get_settings().channel_layer,
                    is_listening=False,
                    give_up_seconds=FLUSH_SECONDS,
                )
                worker = None if fan_out is None else _Worker(fan_out)
                if self._worker is not None and self._worker.pid == os.getpid():
                    # A signal handler was here meanwhile; what it has sent waits in its worker.
                    if worker is not None:
                        worker.stop()
                else:
                    self._worker = worker
            return self._worker


class _Worker:
    """The thread of one process, with its loop."""

    def __init__(self, fan_out: SequencedFanOut) -> None:
        self.pid = os.getpid()
        self.unsent: set[Future[int]] = set()
        """What the layer has not taken yet."""
        self._fan_out = fan_out
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="vortex-publisher", daemon=True)
        self._thread.start()
        self._flushed_at: float | None = None
        _call_before_exit(self.flush)
        atexit.register(self.stop)

    def push(self, record: Record, future: "Future[int]") -> None:
        """Publish a record; from any thread."""
        self.unsent.add(future)
        future.add_done_callback(self.unsent.discard)

        def report_sent(error: BaseException | None) -> None:
            if error is None:
                future.set_result(0)
            else:
                future.set_exception(error)

        def publish() -> None:
            try:
                self._fan_out.publish(record, report_sent)
            except DeliveryError as error:
                future.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(publish)
        except RuntimeError:  # its thread has ended
            future.set_exception(DeliveryError("The process is ending"))

    def flush(self) -> None:
        """Send what waits. Does nothing in a process that was forked off."""
        if self.pid != os.getpid() or self._loop.is_closed():
            return
        self._flushed_at = time.monotonic()
        wait(self.unsent.copy(), FLUSH_SECONDS)

    def stop(self) -> None:
        """Send what waits and end the thread. Does nothing in a process that was forked off."""
        if self.pid != os.getpid() or self._loop.is_closed():
            return
        atexit.unregister(self.stop)
        seconds = FLUSH_SECONDS
        if self._flushed_at is not None:
            seconds = max(LAST_SECONDS, seconds - (time.monotonic() - self._flushed_at))
        stopping = asyncio.run_coroutine_threadsafe(self._fan_out.stop(seconds), self._loop)
        wait([stopping], seconds + ANSWER_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_SECONDS)
        if self._thread.is_alive():
            logger.error("The channel layer blocks its thread: %d records wait", len(self.unsent))
            return
        self._loop.close()  # which closes the layer's connections of this loop

    def _run(self) -> None:
        self._loop.run_until_complete(self._fan_out.start(_ignore))
        self._loop.run_forever()


def _wait_for(future: "Future[int]") -> None:
    """Wait until the layer has a record, within bounds.

    Raises:
        DeliveryError: The layer failed, or has not taken it in time.
    """
    done, _ = wait([future], FLUSH_SECONDS)
    if not done:
        raise DeliveryError(
            f"The channel layer has not taken it within {FLUSH_SECONDS:g} s; it may do so later"
        )
    future.result()


def _call_before_exit(function: Callable[[], None]) -> None:
    """Call a function at the end of the process, while executors still work.

    By the time of `atexit` they do not, and without one asyncio can not look up the host of a layer
    that there was no time to connect to yet: short scripts would lose all they send.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        try:
            register(function)
        except RuntimeError:  # the end has begun; `atexit` is left
            return


def _ignore(process: str, sequence: int, record: Record) -> None:
    """Take nothing: this process has no peers."""
