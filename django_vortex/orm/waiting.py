"""Waiting for coroutines in code that is not one.

Takes an awaitable in a thread that may block, gives its result.
"""

import asyncio
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import TypeVar

from django_vortex.routing.ports import is_on_loop

_T = TypeVar("_T")


class Waiting:
    """The event loop that coroutines of an application belong to, made where that runs.

    Made where none runs, or when blocking code runs in the loop's own thread (as tests do that run
    everything in one), a loop is made for each coroutine: the other one stands still meanwhile.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop() if is_on_loop() else None
        self._thread = threading.get_ident()

    def wait(self, awaitable: Awaitable[_T]) -> _T:
        """Run an awaitable and wait for it."""
        if self._loop is not None and threading.get_ident() != self._thread:
            return asyncio.run_coroutine_threadsafe(_await(awaitable), self._loop).result()
        if not is_on_loop():
            return asyncio.run(_await(awaitable))
        future: Future[_T] = Future()

        def run() -> None:
            try:
                future.set_result(asyncio.run(_await(awaitable)))
            except BaseException as error:
                future.set_exception(error)

        thread = threading.Thread(target=run, name="vortex-wait", daemon=True)
        thread.start()
        thread.join()
        return future.result()


async def _await(awaitable: Awaitable[_T]) -> _T:
    return await awaitable
