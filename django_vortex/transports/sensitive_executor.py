"""An executor of asgiref's thread-sensitive code in chosen contexts: `SensitiveExecutor`.

In ``async def`` handlers every query of the async ORM is such code.
"""

import concurrent.futures
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context

from asgiref.sync import SyncToAsync, ThreadSensitiveContext


class SensitiveExecutor(concurrent.futures.Executor):
    """Runs what ``sync_to_async`` is given in the contexts that were entered."""

    def __init__(self) -> None:
        self._context = ThreadSensitiveContext()
        # asgiref holds it weakly, by the context.
        SyncToAsync.context_to_thread_executor[self._context] = self

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let what runs and starts in this context use this executor."""
        token = SyncToAsync.thread_sensitive_context.set(self._context)
        try:
            yield
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)

    def enter(self) -> None:
        """Let all that runs and starts in this context from now on use this executor."""
        SyncToAsync.thread_sensitive_context.set(self._context)

    def make_context(self) -> Context:
        """Return a copy of the caller's context that uses this executor."""
        context = copy_context()
        context.run(self.enter)
        return context
