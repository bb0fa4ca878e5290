"""Limit the number of requests that begin in one turn of the event loop."""

import asyncio
from asyncio import get_running_loop
from collections import deque
from typing import Final

TURN_WEIGHT: Final = 524_288
"""Weight after which others are let run, heart-beats among them: about ten milliseconds."""

CARRIED_WEIGHT: Final = TURN_WEIGHT // 8
"""Weight that is counted in the next turn still: less is not worth a callback at its end."""


class LoopTurn:
    """Counts the work of a turn, and defers to the next one what exceeds the limit."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._weight = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def admit(self, weight: int) -> bool:
        """Count work in this turn if there is room; `wait` for another one if not.

        A coroutine that is driven without a loop holds up nobody.
        """
        try:
            loop = get_running_loop()
        except RuntimeError:
            return True
        if loop is not self._loop:  # the one before has ended, maybe in the middle of a turn
            self._loop, self._weight = loop, 0
            self._waiting.clear()
        if self._weight >= TURN_WEIGHT:
            return False
        before = self._weight
        self._weight = after = before + weight
        if before < CARRIED_WEIGHT <= after:
            loop.call_soon(self._begin)
        return True

    async def wait(self, weight: int) -> None:
        """Wait for a turn in which there is room, first come, first served, and count."""
        if not self.admit(weight):
            future = get_running_loop().create_future()
            self._waiting.append((weight, future))
            await future

    def _begin(self) -> None:
        self._weight = 0
        while self._waiting and self._weight < TURN_WEIGHT:
            weight, future = self._waiting.popleft()
            if not future.done():  # else its request was cancelled
                self.admit(weight)
                future.set_result(None)
