"""Waiting until something is true, in plain and in asynchronous tests."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a condition may take on a slow, busy machine before the test fails."""

POLL_SECONDS = 0.02


class GaveUp(AssertionError):
    """A condition did not become true in time."""


def wait_until(condition: Callable[[], T], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
    """Call `condition` again and again until it returns something true, and return that.

    Args:
        condition: Must be cheap and must not block for long.
        what: What is waited for, read as "Waited 30 s for ...".
        seconds: When to give up.

    Raises:
        GaveUp: It did not become true.
    """
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise GaveUp(f"Waited {seconds:g} s for {what}; last seen: {result!r}")
        time.sleep(POLL_SECONDS)


async def eventually(
    condition: Callable[[], T | Awaitable[T]], what: str, *, seconds: float = PATIENCE_SECONDS
) -> T:
    """Do what `wait_until` does without blocking the loop; `condition` may be a coroutine."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        if time.monotonic() >= deadline:
            raise GaveUp(f"Waited {seconds:g} s for {what}; last seen: {result!r}")
        await asyncio.sleep(POLL_SECONDS)
