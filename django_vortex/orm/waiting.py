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


def wait_in_thread(awaitable: Awaitable[_T], loop: asyncio.AbstractEventLoop | None) -> _T:
    """Run an awaitable and wait for it.

    Args:
        awaitable: What to wait for.
        loop: The event loop it belongs to, which runs in another thread. Without one, or when the
            caller stands on that loop (as tests do that run everything in one thread), a loop is
            made for it.
    """
    if loop is not None and loop.is_running() and not is_on_loop():
        return asyncio.run_coroutine_threadsafe(_await(awaitable), loop).result()
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
