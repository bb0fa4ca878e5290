"""Run blocking code in the thread of a test, so that it sees the test's transaction."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async

from django_vortex.transports.sensitive_executor import SensitiveExecutor

_T = TypeVar("_T")


async def run_inline(function: Callable[[], _T], /) -> _T:
    """Run a function here and now, in a copy of the context, as if no loop ran in this thread.

    That is what it would see in a thread of its own; Django refuses to work otherwise.
    """
    with running_loop(None):
        return copy_context().run(function)


class InlineExecutor(SensitiveExecutor):
    """Runs thread-sensitive code, such as the queries of the async ORM, in the thread of the loop.

    For tests that are plain functions: that thread is the test's, which has its transaction.
    """

    def submit(
        self, function: Callable[..., _T], /, *args: Any, **kwargs: Any
    ) -> "concurrent.futures.Future[_T]":
        """Run a function here and now, as if no loop ran in this thread."""
        future: concurrent.futures.Future[_T] = concurrent.futures.Future()
        with running_loop(None), _parent_loop_hidden():
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)
        return future


async def run_in_test(function: Callable[[], _T], /) -> _T:
    """Run a function in the thread of the test.

    That is this one, unless Django runs an ``async def`` test of its `TestCase`: then the loop has
    a thread of its own, and the test's thread is where thread-sensitive code goes.
    """
    if asyncio.get_running_loop() in AsyncToSync.loop_thread_executors:
        return await sync_to_async(function, thread_sensitive=True)()
    return await run_inline(function)


class _Forgetful:
    """Stands for asgiref's memory of the loop that runs a thread's code, and remembers none."""

    def __setattr__(self, name: str, value: object) -> None:
        return


@contextmanager
def _parent_loop_hidden() -> Iterator[None]:
    """Let ``async_to_sync`` make a loop of its own: this thread's one waits for it to return."""
    before = SyncToAsync.threadlocal
    SyncToAsync.threadlocal = _Forgetful()  # type: ignore[assignment]
    try:
        yield
    finally:
        SyncToAsync.threadlocal = before


@contextmanager
def running_loop(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Let this thread's running loop be another or none, while nothing is awaited."""
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)
