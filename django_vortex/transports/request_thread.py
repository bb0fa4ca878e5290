"""Release the thread and the database connections that Django keeps until a response ends.

A response that streams for hours needs neither, but five hundred of
them would hold five hundred threads, and for logged-in users as many database connections.
"""

import asyncio
from typing import Any

from asgiref.sync import SyncToAsync
from django.db import connections


async def release_request_thread() -> None:
    """Close the database connections of this request's thread, and end the thread.

    To be called from within the response, after all middleware. What runs in the request's thread
    later (``response.close()``) gets a new one. Where there is no such thread, as in Django's test
    client, nothing is touched: a test's transaction lives in a connection.
    """
    executor = _take_executor()
    if executor is None:
        return
    try:
        await asyncio.get_running_loop().run_in_executor(executor, connections.close_all)
    finally:
        executor.shutdown(wait=False)


def _take_executor() -> Any:
    """Take the executor of this request away from asgiref, or None where it keeps it elsewhere."""
    context_variable = getattr(SyncToAsync, "thread_sensitive_context", None)
    executors = getattr(SyncToAsync, "context_to_thread_executor", None)
    if context_variable is None or executors is None:
        return None
    context = context_variable.get(None)
    return None if context is None else executors.pop(context, None)
