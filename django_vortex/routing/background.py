"""What handlers begin and what goes on when their request has ended: `Background`."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias, TypeVar

from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

_T = TypeVar("_T")

KeepTask: TypeAlias = Callable[["asyncio.Task[Any]"], object]
"""Keeps a task until it ends; the server ends after it, or cancels it in the end."""


class Background:
    """Runs coroutines to their end, whatever happens to the requests that begin them."""

    def __init__(self) -> None:
        self._keep: KeepTask | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def bind(self, keep: KeepTask) -> None:
        """Let a server keep the tasks from now on."""
        self._keep = keep

    def start(self, coroutine: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        """Run a coroutine to its end, whatever happens to the request that starts it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        if self._keep is not None:
            self._keep(task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(
        self, coroutine: Coroutine[Any, Any, _T], of_the_peer: tuple[type[Exception], ...]
    ) -> _T:
        """Run a coroutine to its end, also when who awaits it here is cancelled.

        Args:
            coroutine: What is run.
            of_the_peer: Errors that nobody needs to know of when the peer has gone.
        """
        task = self.start(coroutine)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # A failure that nobody asks for asyncio would write, with all that led to it.
            task.add_done_callback(partial(_take_failure, of_the_peer))
            raise

    async def wait(self) -> None:
        """Wait until all that was begun has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)


def _take_failure(of_the_peer: tuple[type[Exception], ...], task: "asyncio.Task[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, of_the_peer):
        logger.error("What a peer that has gone had asked for failed", exc_info=error)
