"""The garbage collector, kept out of work that makes very many objects and no garbage.

A payload of a million objects makes it look at all of them many times, half of the time that
decoding takes, in whichever thread is unlucky.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0
_was_enabled = False


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let the collector rest; it goes on when the last thread that wanted that is done."""
    global _pauses, _was_enabled
    with _lock:
        if not _pauses:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if not _pauses and _was_enabled:
                _grow_old()
                gc.enable()


def _grow_old() -> None:
    """Put what is new among what is old, or the next small collection would look at all of it."""
    if not gc.get_freeze_count():  # else the application has frozen something, and wants it to stay
        gc.freeze()
        gc.unfreeze()
