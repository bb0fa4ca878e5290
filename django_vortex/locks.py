"""Locks that are safe across a fork: `Lock`.

A fork copies memory but only one thread. A lock that another thread holds at that moment is never
released in the child, so each lock of the package is renewed there.
"""

import os
import threading
import weakref
from types import TracebackType


class Lock:
    """A lock to be used by ``with``; its thread may take it again.

    In a forked process it is free, unless the thread that has forked holds it. What it guards may
    be half done there: it must be of use all the same, or be renewed by whoever owns it.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        # Reentrant, since signal handlers and finalizers run within what they interrupt.
        self._lock = threading.RLock()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Be free if a thread holds it that does not exist; for processes with one thread."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


_all: weakref.WeakSet[Lock] = weakref.WeakSet()


def _renew_all() -> None:
    for lock in list(_all):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
