"""Run the queries of async handlers in threads that manage database connections as Django does.

Takes the functions that asgiref's ``sync_to_async`` gets in the tasks of a vortex, which in ``async
def`` handlers is every query of the async ORM; runs them in threads that close old and broken
connections before and after each task. Tasks without queries cost nothing.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import close_old_connections, connections

from django_vortex.transports.sensitive_executor import SensitiveExecutor

_T = TypeVar("_T")


class DatabaseThreads(SensitiveExecutor):
    """The executor of thread-sensitive code in the tasks of one loop.

    A task keeps the thread of its first call, as do the tasks that it starts afterwards. Tasks get
    a thread of their own as long as there are any; then they share them.

    Args:
        threads: How many threads there are at most. They start when needed.
        name: What the threads are called.
    """

    def __init__(self, threads: int, name: str) -> None:
        super().__init__()
        self._limit = threads
        self._name = name
        self._threads: list[_Thread] = []
        self._own: ContextVar[_Thread] = ContextVar(f"{name}.own")

    def submit(
        self, function: Callable[..., _T], /, *args: Any, **kwargs: Any
    ) -> "concurrent.futures.Future[_T]":
        """Run a function in the thread of the running task."""
        thread = self._own.get(None)
        if thread is None:
            thread = self._choose()
            self._own.set(thread)
        thread.use(asyncio.current_task())
        return thread.executor.submit(function, *args, **kwargs)

    def stop(self) -> None:
        """Accept no more functions; those that wait are dropped, those that run go on."""
        for thread in self._threads:
            thread.stop()

    def _choose(self) -> "_Thread":
        """Return an idle thread, the longest in use so that few have connections, or a new one."""
        least = min(self._threads, key=lambda one: len(one.tasks), default=None)
        if least is not None and (not least.tasks or len(self._threads) >= self._limit):
            return least
        thread = _Thread(f"{self._name}-{len(self._threads)}")
        self._threads.append(thread)
        return thread


class _Thread:
    """One thread, with its database connections and the tasks that use them."""

    def __init__(self, name: str) -> None:
        self.executor = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix=name)
        self.tasks: set[asyncio.Task[Any]] = set()
        self._is_stopped = False

    def use(self, task: "asyncio.Task[Any] | None") -> None:
        """Clean up before the first use by a task, and when that has ended."""
        if task is None or task in self.tasks:
            return
        self._clean_up()
        self.tasks.add(task)
        task.add_done_callback(self._leave)

    def stop(self) -> None:
        """Take no more."""
        self._is_stopped = True
        self.executor.shutdown(wait=False, cancel_futures=True)

    def _leave(self, task: "asyncio.Task[Any]") -> None:
        self.tasks.discard(task)
        if not self._is_stopped:
            self._clean_up()

    def _clean_up(self) -> None:
        # The thread takes it in turn: whoever comes to share it comes later.
        self.executor.submit(close_broken_connections if self.tasks else close_old_connections)


def close_broken_connections() -> None:
    """Close connections that no longer work; old ones that still work stay open."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue
        connection.health_check_done = False  # type: ignore[attr-defined]  # not in the stubs
        if connection.errors_occurred:
            if connection.is_usable():
                connection.errors_occurred = False
            else:
                connection.close()
