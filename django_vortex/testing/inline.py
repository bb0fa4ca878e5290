"""Running blocking code where a test's own thread is, so that it sees the test's transaction."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from asgiref.sync import AsyncToSync, sync_to_async

_T = TypeVar("_T")


async def run_inline(function: Callable[[], _T], /) -> _T:
    """Run a function here and now, in a copy of the context, as if no loop ran in this thread.

    That is what it would see in a thread of its own; Django refuses to work otherwise.
    """
    with running_loop(None):
        return copy_context().run(function)


async def run_in_test(function: Callable[[], _T], /) -> _T:
    """Run a function in the thread of the test.

    That is this one, unless Django runs an ``async def`` test of its `TestCase`: then the loop has
    a thread of its own, and the test's thread is where thread-sensitive code goes.
    """
    if asyncio.get_running_loop() in AsyncToSync.loop_thread_executors:
        return await sync_to_async(function, thread_sensitive=True)()
    return await run_inline(function)


@contextmanager
def running_loop(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Let this thread's running loop be another or none, while nothing is awaited."""
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)
