"""The timer of a server: calls it at the pace of its heart-beats and makes up for late calls.

Takes a wheel of heart-beats and a clock, calls back with the number of ticks that are due.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from django_vortex.logs import get_limited_logger
from django_vortex.server.heartbeats import Heartbeats

logger = get_limited_logger("django_vortex.server")


class Ticker:
    """Calls a function once in each tick of a wheel.

    Args:
        heartbeats: The wheel, which knows the ticks.
        monotonic: Returns the time now.
        tick: Called with the number of ticks that are due; if it fails, the next call comes anyway.
    """

    def __init__(
        self,
        heartbeats: Heartbeats[Any],
        monotonic: Callable[[], float],
        tick: Callable[[int], None],
    ) -> None:
        self._heartbeats = heartbeats
        self._monotonic = monotonic
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Set the timer for the next tick."""
        seconds = self._heartbeats.begin(self._monotonic())
        self._timer = asyncio.get_running_loop().call_later(seconds, self.run)

    def run(self) -> None:
        """Call the function for the ticks that are due, and set the timer again."""
        due = self._heartbeats.count_due(self._monotonic())
        self.start()
        try:
            self._tick(due)
        except Exception:
            logger.exception("A tick of the server failed")

    def stop(self) -> None:
        """Set no timer any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
