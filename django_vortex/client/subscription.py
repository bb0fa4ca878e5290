"""What all readers of the same watch share: `Subscription`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from django_vortex.client.errors import ClientError, TimedOut, WatchEnded
from django_vortex.client.watched import News, Snapshot, Watched
from django_vortex.exceptions import (
    EvaluationTimeout,
    InternalError,
    ShuttingDown,
    TooManyRequests,
    TryAgain,
    UnknownOutcome,
    VortexError,
)
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec

PAUSES: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before it is asked again, the last one from then on; none where nothing has failed."""

_PASSING: Final = (
    EvaluationTimeout,
    InternalError,
    ShuttingDown,
    TimedOut,
    TooManyRequests,
    TryAgain,
    UnknownOutcome,
)

Put = Callable[[Snapshot], None]
Finish = Callable[[ClientError], None]


def may_pass(error: VortexError) -> bool:
    """Return whether asking again may help."""
    return isinstance(error, _PASSING)


class Subscription:
    """One watch at the server, as the client knows it.

    Args:
        filt: What is watched.
        codec: Of the client.

    Attributes:
        name: What the server calls it, "" as long as it has not said so.
        watched: The newest answer.
        error: Why there is no newer one; None if no reason is known.
        is_current: Whether the server keeps the answer up to date.
        is_asked: Whether a message is under way that asks for it.
        needs_whole: Whether the whole has to be asked for.
        same: The one that has its readers now, where the server takes both for the same.
    """

    __slots__ = (
        *("_attempts", "_readers", "_timer", "error", "filt", "is_asked", "is_current"),
        *("name", "needs_whole", "same", "was_current", "watched"),
    )

    def __init__(self, filt: Filt, codec: Codec) -> None:
        self.filt = filt
        self.name = ""
        self.watched = Watched(codec)
        self.error: VortexError | None = None
        self.is_current = self.was_current = False
        self.is_asked = False
        self.needs_whole = False
        self.same: Subscription | None = None
        self._readers: dict[Put, Finish] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._attempts = 0

    @property
    def newest(self) -> Subscription:
        """The one that has the readers of this one now."""
        found = self
        while found.same is not None:
            found = found.same
        return found

    @property
    def has_readers(self) -> bool:
        """Whether anybody reads it."""
        return bool(self._readers)

    @property
    def is_waiting(self) -> bool:
        """Whether it is asked again after a while."""
        return self._timer is not None

    def add_reader(self, put: Put, finish: Finish) -> None:
        """Give a reader the newest answer, now if there is one, and all that come."""
        self._readers[put] = finish
        if self.watched.snapshot is not None:
            put(self.watched.snapshot)

    def remove_reader(self, put: Put) -> bool:
        """End a reader; return whether it was the last."""
        return self._readers.pop(put, None) is not None and not self._readers

    def move_readers(self, other: Subscription) -> None:
        """Let all readers read another one."""
        self.same = other
        for put, finish in self._readers.items():
            other.add_reader(put, finish)
        self._readers.clear()

    def show(self, news: News) -> None:
        """Give readers an answer that has come, or note that it is still the same."""
        self.error = None
        self.is_current = True
        self.needs_whole = False
        self._attempts = 0
        if news is News.NEW and self.watched.snapshot is not None:
            for put in list(self._readers):
                put(self.watched.snapshot)

    def finish(self, error: WatchEnded) -> None:
        """End all readers."""
        self.error = error
        self.is_current = False
        readers, self._readers = self._readers, {}
        for finish in readers.values():
            finish(error)

    def get_tag(self) -> str | None:
        """Return the tag to ask with: None asks for the whole."""
        return None if self.needs_whole else self.watched.tag

    def get_pause(self, error: VortexError | None) -> float:
        """Return how many seconds to wait before it is asked again."""
        first = 0 if error is None else 1
        pause = PAUSES[min(first + self._attempts, len(PAUSES) - 1)]
        self._attempts += 1
        told = error.retry_after if isinstance(error, TooManyRequests) else 0.0
        return max(pause, told)

    def wait(self, timer: asyncio.TimerHandle) -> None:
        """Note that it is asked again after a while."""
        self.stop()
        self._timer = timer

    def stop(self) -> None:
        """Do not wait to ask again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
