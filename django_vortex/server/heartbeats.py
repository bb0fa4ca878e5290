"""Heart-beats of all peers of a server from one timer, spread over the period."""

import math
from collections.abc import Callable
from typing import Final, Generic, TypeVar

TICKS_PER_SECOND: Final = 10
"""How finely the period is divided; also how late a time limit of the server may be noticed."""

_T = TypeVar("_T")


class Heartbeats(Generic[_T]):
    """A wheel of slots: each tick serves one slot, so each member once in a period.

    Members join the slot that was served last, and so are served a whole period later.
    """

    def __init__(self, seconds: float) -> None:
        count = max(1, math.ceil(seconds * TICKS_PER_SECOND))
        self.tick_seconds = seconds / count
        """Time between two ticks."""
        self._slots: list[dict[_T, None]] = [{} for _ in range(count)]
        self._current = 0

    def add(self, member: _T) -> int:
        """Take a member in and return its slot, which `remove` wants back."""
        self._slots[self._current][member] = None
        return self._current

    def remove(self, member: _T, slot: int) -> None:
        """Let a member go."""
        self._slots[slot].pop(member, None)

    def tick(self, serve: Callable[[_T], None]) -> None:
        """Serve the members of the next slot."""
        self._current = (self._current + 1) % len(self._slots)
        for member in tuple(self._slots[self._current]):
            serve(member)
