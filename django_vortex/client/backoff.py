"""How long to wait before the next attempt: full jitter over spans that double.

Takes how the last connection ended, gives seconds. There is no path without a delay, and giving up
is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django_vortex.client.endings import Ending

FIRST_SPAN: Final = 0.5
"""Seconds within which to come back after a cut."""

WOKE_SPAN: Final = 0.3
"""The same where only this client has found the connection dead."""

MOVED_SPAN: Final = 0.25
"""What a move counts for where the next end comes soon: nothing has failed."""

DEPARTURE_SPAN: Final = 5.0
"""The same where the server leaves: all its clients come at once."""

MAX_SPAN: Final = 30.0
"""The longest span."""

STABLE_SECONDS: Final = 10.0
"""How long a connection has to last for the spans to begin anew; opening one is no success."""


class Backoff:
    """The waits of one client.

    Args:
        random: Gives a number from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._span = 0.0

    def succeed(self, seconds: float, *, has_progress: bool = False) -> None:
        """Note how long a connection has lasted, and whether anything was acknowledged."""
        if has_progress or seconds >= STABLE_SECONDS:
            self._span = 0.0

    def get_wait(self, ending: Ending) -> float:
        """Return the seconds to wait now; what the server asked for is the least."""
        doubled = 2 * self._span
        span = min(MAX_SPAN, max(_get_first_span(ending), doubled))
        self._span = min(MAX_SPAN, max(MOVED_SPAN, doubled)) if ending.is_move else span
        return ending.retry_seconds + self.spread(span)

    def spread(self, span: float) -> float:
        """Return a random moment within a span."""
        return span * self._random()


def _get_first_span(ending: Ending) -> float:
    """Return the span of the first of several ends, by its cause."""
    if ending.span_seconds:
        return ending.span_seconds
    if ending.is_departure:
        return DEPARTURE_SPAN
    return WOKE_SPAN if ending.is_own else FIRST_SPAN
