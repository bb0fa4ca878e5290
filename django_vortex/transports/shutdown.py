"""Shut down cleanly on SIGTERM and SIGINT: close the peers first, then the server.

Takes the loop and what is to be done before the server hears of the signal. Servers wait for open
responses to end by themselves (uvicorn) or cut everything off (Daphne), so the handlers that they
installed are kept, put behind ours, and called when the peers are gone.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

logger = logging.getLogger("django_vortex")

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class SignalChain:
    """Signal handlers of ours in front of those that were there.

    A second signal while the peers are still being told goes straight to the server's handler: who
    presses Ctrl-C twice means it.

    Args:
        loop: The loop that the server runs on.
        drain: Ends all connections and returns, in bounded time.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, drain: Callable[[], Awaitable[None]]
    ) -> None:
        self._loop = loop
        self._drain = drain
        self._previous: dict[int, Any] = {}
        self._draining: asyncio.Task[None] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether the handlers are in place."""
        return bool(self._previous)

    def install(self) -> bool:
        """Put the handlers in front; tell whether that was possible.

        Only the main thread may set handlers, and only a loop in the main thread may run the
        server's ones. Under runserver's autoreloader the loop is elsewhere; that process ends
        without ceremony when it reloads.
        """
        if threading.current_thread() is not threading.main_thread() or self.is_installed:
            return self.is_installed
        for number in SIGNALS:
            previous = signal.getsignal(number)
            # None was not set from Python: whoever did it expects to stay.
            if previous is not None and previous is not signal.SIG_IGN:
                self._previous[number] = previous
                signal.signal(number, self._handle)
        return self.is_installed

    def uninstall(self) -> None:
        """Put the previous handlers back where ours are still in place."""
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, previous)
        self._previous.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._draining is not None or not self._loop.is_running():
            self._pass_on(number, frame)
        else:
            self._loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        if self._draining is not None:
            self._pass_on(number, None)
            return
        self._draining = self._loop.create_task(self._drain_safely())
        self._draining.add_done_callback(lambda _: self._pass_on(number, None))

    async def _drain_safely(self) -> None:
        try:
            await self._drain()
        except Exception:
            logger.exception("Ending the connections failed; the server ends all the same")

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Do what the signal would have done without us."""
        previous = self._previous.get(number, signal.SIG_DFL)
        if callable(previous):
            previous(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
