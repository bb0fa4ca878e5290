"""Run coroutines from synchronous code.

Takes an awaitable, in a thread that may block or on the loop, gives its result. Code in a
transaction reaches it by `Request.resolve` alone.
"""

import asyncio
import inspect
import threading
from collections.abc import Awaitable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from django_vortex.locks import Lock
from django_vortex.routing.ports import is_on_loop, is_task_cancelled

_T = TypeVar("_T")

_lock = Lock()
"""Of all that wait, who hold it for a moment: one for each would cost each request some calls."""


class Waiting:
    """The event loop that coroutines of an application belong to, made where that runs.

    Made where none runs, or when blocking code runs in the loop's own thread (as tests do that run
    everything in one), a loop is made for each coroutine: the other one stands still meanwhile.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop() if is_on_loop() else None
        self._thread = threading.get_ident()
        self._future: Future[Any] | None = None
        self._is_given_up = False

    def wait(self, awaitable: Awaitable[_T]) -> _T:
        """Run an awaitable and wait for it."""
        if self._loop is not None and threading.get_ident() != self._thread:
            return self._wait_for_loop(awaitable, self._loop)
        if not is_on_loop():
            return asyncio.run(await_guarded(awaitable))
        future: Future[_T] = Future()

        def run() -> None:
            try:
                future.set_result(asyncio.run(await_guarded(awaitable)))
            except BaseException as error:
                future.set_exception(error)

        thread = threading.Thread(target=run, name="vortex-wait", daemon=True)
        thread.start()
        thread.join()
        return future.result()

    async def cover(self, working: Awaitable[_T]) -> _T:
        """Await work that waits by this in a thread; who gives it up ends what it waits for.

        Else the thread would go on waiting, and keep its transaction open.
        """
        try:
            return await working
        except asyncio.CancelledError:
            with _lock:
                self._is_given_up = True
            if self._future is not None and self._loop is not None:
                # A coroutine that has not begun would complain: it begins a turn after its task is
                # made, and that may be in the next one.
                self._loop.call_soon(self._loop.call_soon, self._future.cancel)
            raise

    def _wait_for_loop(self, awaitable: Awaitable[_T], loop: asyncio.AbstractEventLoop) -> _T:
        with _lock:
            if self._is_given_up:
                if inspect.iscoroutine(awaitable):
                    awaitable.close()
                raise CancelledError
            future = asyncio.run_coroutine_threadsafe(await_guarded(awaitable), loop)
            self._future = future
        return future.result()


async def await_guarded(awaitable: Awaitable[_T]) -> _T:
    """Await something, and raise nothing that a task may not end with.

    ``SystemExit`` would end the server, and a cancellation of something else would look like the
    task's own.

    Raises:
        RuntimeError: In place of such an exception.
    """
    try:
        return await awaitable
    except asyncio.CancelledError as error:
        if is_task_cancelled():
            raise
        raise RuntimeError("Something that was waited for was cancelled") from error
    except SystemExit as error:
        raise RuntimeError(f"SystemExit was raised: {error}") from error
