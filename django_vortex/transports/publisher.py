"""A way to the peers of other processes for one that has no server: `Publisher`.

One daemon thread with a loop and a connection to the layer, started by the first push of a
process, and by the first one after a fork again. What waits is sent before the process ends.
"""

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 - its end must be registered before ours
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from django_vortex.conf import get_settings
from django_vortex.exceptions import DeliveryError
from django_vortex.routing.address import Address
from django_vortex.server.delivery import coalesce_key
from django_vortex.server.fan_out import Record
from django_vortex.server.pushes import push_record
from django_vortex.server.sequenced_fan_out import SequencedFanOut
from django_vortex.transports.layer import make_fan_out
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope

FLUSH_SECONDS: Final = 5.0
"""How long the end of a process waits for what was not sent, and a push tries a failing layer."""

LAST_SECONDS: Final = 0.5
"""What of that is left at least for what is sent while the process is ending already."""


class Publisher:
    """Pushes over the channel layer from any thread of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    def push(
        self, envelope: PayloadEnvelope, to: Address, *, coalesce: bool, codec: Codec
    ) -> "Future[int]":
        """Push an envelope; the future is done when the layer has it, with 0."""
        date = int(time.time() * 1000)
        key = coalesce_key(envelope, codec) if coalesce else None
        return self.publish(push_record(envelope, to, date, key, codec))

    def publish(self, record: Record) -> "Future[int]":
        """Give a record to all processes; the future is done when the layer has it, with 0."""
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
        return future

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
                self._worker = None if fan_out is None else _Worker(fan_out)
            return self._worker


class _Worker:
    """The thread of one process, with its loop."""

    def __init__(self, fan_out: SequencedFanOut) -> None:
        self.pid = os.getpid()
        self._fan_out = fan_out
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="vortex-publisher", daemon=True)
        self._thread.start()
        self._flushed_at: float | None = None
        _call_before_exit(self.flush)
        atexit.register(self.stop)

    def push(self, record: Record, future: "Future[int]") -> None:
        """Publish a record; from any thread."""

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
        asyncio.run_coroutine_threadsafe(self._fan_out.flush(FLUSH_SECONDS), self._loop).result()

    def stop(self) -> None:
        """Send what waits and end the thread. Does nothing in a process that was forked off."""
        if self.pid != os.getpid() or self._loop.is_closed():
            return
        atexit.unregister(self.stop)
        seconds = FLUSH_SECONDS
        if self._flushed_at is not None:
            seconds = max(LAST_SECONDS, seconds - (time.monotonic() - self._flushed_at))
        asyncio.run_coroutine_threadsafe(self._fan_out.stop(seconds), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()  # which closes the layer's connections of this loop

    def _run(self) -> None:
        self._loop.run_until_complete(self._fan_out.start(_ignore))
        self._loop.run_forever()


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
