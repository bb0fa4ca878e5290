"""Run blocking code in a bounded thread pool that closes old database connections.

Takes plain functions, gives awaitables. It is our own pool because asgiref's thread-sensitive one
has a single thread for the whole process outside of a request: one blocked handler would hold up
every other peer.
"""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import TypeVar

from django.db import close_old_connections
from django.utils import translation

_T = TypeVar("_T")


class BlockingPool:
    """A pool with a limited number of threads; more calls wait. Threads start when first needed.

    Args:
        threads: How many functions run at the same time.
        name: What the threads are called.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._executor = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix=name)

    def run_sync(self, function: Callable[[], _T], /) -> Awaitable[_T]:
        """Run a function in a thread, in a copy of the caller's context and in its language.

        Database connections that are too old or broken are closed before and after, as Django does
        around a request. Exceptions come back as they are, except those that would mean something
        else to the loop that awaits them: see `_raised_in_thread`.
        """
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(
            self._executor,
            copy_context().run,
            _call_with_fresh_connections,
            function,
            translation.get_language(),
        )

    def stop(self) -> None:
        """Accept no more functions; those that wait are dropped, those that run go on."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _call_with_fresh_connections(function: Callable[[], _T], language: str | None) -> _T:
    try:
        close_old_connections()
        try:
            # Also so that what a handler activates does not outlast it in this thread.
            with translation.override(language, deactivate=True):
                return function()
        finally:
            close_old_connections()
    except (StopIteration, concurrent.futures.CancelledError) as error:
        raise _raised_in_thread(error) from error
    except Exception:
        raise
    except BaseException as error:
        raise _raised_in_thread(error) from error


def _raised_in_thread(error: BaseException) -> RuntimeError:
    """Return what takes the place of an exception that may not reach the loop.

    ``SystemExit`` would end the server, a cancellation would look like the request's own, and a
    ``StopIteration`` can not be set on a future: whoever waits would wait for ever.
    """
    return RuntimeError(f"{type(error).__name__} was raised in a thread: {error}")
