"""Loggers with a rate limit, since peers cause the records: `get_limited_logger`.

Takes the name of a logger, gives that logger with a filter: the same message is written so many
times in a period, the same traceback a few times. What was left out is counted and said later.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django_vortex.locks import Lock

PERIOD_SECONDS: Final = 60.0
"""The period in which records are counted."""

RECORDS_PER_PERIOD: Final = 60
"""How many records with the same message text are written in a period."""

TRACEBACKS_PER_PERIOD: Final = 5
"""How many of them have their traceback, where it is the same one."""

MAX_KINDS: Final = 1_000
"""How many messages and tracebacks are told apart; counting begins anew beyond that."""


@dataclass(slots=True)
class _Count:
    """How often something was to be written in the period that began at ``since``."""

    since: float
    records: int = 0


class RateLimit(logging.Filter):
    """Writes the same message a limited number of times in a period.

    Messages are the same if their text before formatting is: it is the program's, and what differs
    is the peer's. Records in a period after one in which some were left out say how many.

    Args:
        records: Records with the same message in a period.
        tracebacks: Of those the ones that keep their traceback, if it ends at the same place.
        seconds: Length of the period.
        clock: A monotonic clock.
    """

    def __init__(
        self,
        *,
        records: int = RECORDS_PER_PERIOD,
        tracebacks: int = TRACEBACKS_PER_PERIOD,
        seconds: float = PERIOD_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._records = records
        self._tracebacks = tracebacks
        self._seconds = seconds
        self._clock = clock
        self._counts: dict[object, _Count] = {}
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written; may shorten it or add what was left out before."""
        with self._lock:
            left_out, number = self._count((record.name, record.levelno, record.msg))
            if number > self._records:
                return False
            if left_out:
                record.msg = f"{record.msg} [{left_out} more of these were left out]"
            if record.exc_info and self._count(_end_of(record))[1] > self._tracebacks:
                record.exc_info = None
                record.msg = f"{record.msg} [traceback as before]"
        return True

    def forget(self) -> None:
        """Count anew, as if nothing had been written; for tests."""
        with self._lock:
            self._counts.clear()

    def _count(self, kind: object) -> tuple[int, int]:
        """Count one more; return what an ended period left out, and the count of this one."""
        now = self._clock()
        count = self._counts.get(kind)
        left_out = 0
        if count is None or now - count.since >= self._seconds:
            if count is not None:
                left_out = max(0, count.records - self._records)
            elif len(self._counts) >= MAX_KINDS:
                self._counts.clear()
            count = self._counts[kind] = _Count(now)
        count.records += 1
        return left_out, count.records


def get_limited_logger(name: str) -> logging.Logger:
    """Return the logger of a module that logs what peers cause; may be called again."""
    logger = logging.getLogger(name)
    if not any(isinstance(one, RateLimit) for one in logger.filters):
        logger.addFilter(RateLimit())
    return logger


def per_kind(message: str, *kinds: object) -> str:
    """Return a message of which each kind is limited for itself.

    Args:
        message: Formatted here with the kinds, of which there are few, the project's endpoints
            say; ``%%s`` stays for what differs from record to record.
        kinds: What stands in it.
    """
    return message % tuple(_Escaped(kind) for kind in kinds)


class _Escaped:
    """A value whose text is formatted a second time."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return str(self._value).replace("%", "%%")

    def __repr__(self) -> str:
        return repr(self._value).replace("%", "%%")


def _end_of(record: logging.LogRecord) -> object:
    """Return what tells tracebacks apart: the exception's class and where it was raised."""
    error_class, _, traceback = record.exc_info or (None, None, None)
    place = None
    while traceback is not None:
        place = (traceback.tb_frame.f_code, traceback.tb_lineno)
        traceback = traceback.tb_next
    return record.name, error_class, place
