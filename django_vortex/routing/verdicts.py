"""Yes or no, at once or from a coroutine.

Takes verdicts of permissions, joins them without waiting: the result is a coroutine if one of them
is.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Verdict: TypeAlias = bool | Awaitable[bool]
"""Methods of a permission may be coroutine functions."""


def both(first: Verdict, second: Callable[[], Verdict]) -> Verdict:
    """Join by *and*; the second is asked only if it matters."""
    if inspect.isawaitable(first):
        return _and_later(first, second)
    return second() if first else False


async def _and_later(first: Awaitable[bool], second: Callable[[], Verdict]) -> bool:
    return bool(await first) and await settle(second())


def either(first: Verdict, second: Callable[[], Verdict]) -> Verdict:
    """Join by *or*; the second is asked only if it matters."""
    if inspect.isawaitable(first):
        return _or_later(first, second)
    return True if first else second()


async def _or_later(first: Awaitable[bool], second: Callable[[], Verdict]) -> bool:
    return bool(await first) or await settle(second())


def opposite(verdict: Verdict) -> Verdict:
    """Negate."""
    return _not_later(verdict) if inspect.isawaitable(verdict) else not verdict


async def _not_later(verdict: Awaitable[bool]) -> bool:
    return not await verdict


async def settle(verdict: Verdict) -> bool:
    """Wait for a verdict if it needs that."""
    return bool(await verdict if inspect.isawaitable(verdict) else verdict)
