"""Notice that the machine was suspended, and whether the connection has outlived it: `Waking`.

Takes the time by two clocks at each tick, gives what is to be done. The monotonic clock stands
still in a suspend on most systems, so only the wall clock shows it; nothing else is decided by
that, and where it is set forward the server is asked once for nothing.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

LEAP_SECONDS: Final = 2.0
"""A tick that comes so late by the wall clock may come after a suspend."""

ANSWER_SECONDS: Final = 3.0
"""How long a server that is asked has to say anything; then the connection is taken for dead."""


class Doubt(Enum):
    """What a suspend asks of a connection."""

    NOTHING = 0
    ASK = 1
    """Have the server say something."""
    END = 2
    """It has not."""


class Waking:
    """The doubts about one connection.

    Args:
        now: The monotonic time.
        wall: The time of the machine's clock.
    """

    def __init__(self, now: float, wall: float) -> None:
        self._now = now
        self._wall = wall
        self._is_noticed = False
        self._deadline: float | None = None

    def look(self, now: float, wall: float) -> Doubt:
        """Return what is to be done; to be called at each tick.

        What had arrived before is read between two of them, so it is not taken for an answer.
        """
        passed, leapt = now - self._now, wall - self._wall
        self._now, self._wall = now, wall
        if max(leapt, passed) >= LEAP_SECONDS:  # also a blocked loop; on some systems both are one
            self._is_noticed, self._deadline = True, None
        elif self._is_noticed:
            self._is_noticed, self._deadline = False, now + ANSWER_SECONDS
            return Doubt.ASK
        elif self._deadline is not None and now >= self._deadline:
            return Doubt.END
        return Doubt.NOTHING

    def hear(self) -> None:
        """Note that something has come."""
        self._deadline = None
