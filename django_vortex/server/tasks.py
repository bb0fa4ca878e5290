"""The tasks that a server keeps until they end, whatever began them.

Takes tasks, sees to it that none outlives the server, as far as they let themselves be cancelled.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

CANCEL_SECONDS: Final = 1.0
"""How long cancelled tasks have for ending, when the server stops."""


class Tasks:
    """References to running tasks, which the event loop itself holds only weakly."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Keep a task until it ends."""
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def end(self, seconds: float, others: Iterable[asyncio.Task[Any]] = ()) -> None:
        """Let the tasks end, cancel those that do not, and wait for them.

        Args:
            seconds: How long they may run on.
            others: Tasks that are cancelled already, which are waited for like these.
        """
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in tuple(self._running):
            task.cancel()
        ending = {*self._running, *others}
        if ending:
            # A handler may refuse to be cancelled; that must not keep the process from ending.
            ended, _ = await asyncio.wait(ending, timeout=CANCEL_SECONDS)
            await asyncio.gather(*ended, return_exceptions=True)
