"""The garbage collector, kept out of work that makes very many objects and no garbage.

A payload of a million objects makes it look at all of them many times, half of the time that
decoding takes, in whichever thread is unlucky.
"""

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django_vortex.locks import Lock

_lock = Lock()
_pauses: dict[int, int] = {}
"""By thread how often it wants that."""
_was_enabled = False


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let the collector rest; it goes on when the last thread that wanted that is done."""
    global _was_enabled
    thread = threading.get_ident()
    with _lock:
        if not _pauses:
            _was_enabled = gc.isenabled()
        _pauses[thread] = _pauses.get(thread, 0) + 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            if _pauses[thread] > 1:
                _pauses[thread] -= 1
            else:
                if len(_pauses) == 1:
                    _go_on()
                del _pauses[thread]  # last, so that a process forked off meanwhile knows of it


def _go_on() -> None:
    if _was_enabled:
        _grow_old()
        gc.enable()


def _forget_other_threads() -> None:
    """In a forked process: those that wanted it to rest are not there to be done."""
    if not _pauses:
        return
    own = threading.get_ident()
    for thread in [one for one in _pauses if one != own]:
        del _pauses[thread]
    if not _pauses:
        _go_on()


def _grow_old() -> None:
    """Put what is new among what is old, or the next small collection would look at all of it."""
    if not gc.get_freeze_count():  # else the application has frozen something, and wants it to stay
        gc.freeze()
        gc.unfreeze()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
