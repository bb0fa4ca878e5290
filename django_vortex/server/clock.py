"""The two clocks that the server reads: one for periods, one for dates. Tests pass their own."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a server gets the time from.

    Args:
        monotonic: Seconds that only grow, for periods.
        wall: Seconds since 1970, for the dates that peers see.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
