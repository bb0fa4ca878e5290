"""Waiting for work in threads, which cannot be stopped: `finishing`."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from django_vortex.typedefs import RunSync

_T = TypeVar("_T")


def finishing(run_sync: RunSync) -> RunSync:
    """Return what raises a cancellation only when the thread has ended.

    So whoever cancels knows that nothing of it runs any more. A second cancellation waits for
    nothing: then the event loop is to end.
    """

    async def run(function: Callable[[], _T], /) -> _T:
        future = asyncio.ensure_future(run_sync(function))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            raise

    return run
