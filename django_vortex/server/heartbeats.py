"""Heart-beats of all peers of a server from one timer, spread over the period."""

import math
from collections.abc import Callable
from typing import Final, Generic, TypeVar

TICKS_PER_SECOND: Final = 10
"""How finely the period is divided; also how late a time limit of the server may be noticed."""

_T = TypeVar("_T")


class Heartbeats(Generic[_T]):
    """A wheel of slots: each tick serves one slot, so each member once in a period.

    Members join the slot that was served last, and so are served a whole period later. When the
    loop is late, all slots that are due by then are served at once: were it one each time, a period
    of fifty ticks would be fifty delays longer.
    """

    def __init__(self, seconds: float) -> None:
        self._count = max(1, math.ceil(seconds * TICKS_PER_SECOND))
        self.tick_seconds = seconds / self._count
        """Time between two ticks."""
        self._slots: dict[int, dict[_T, None]] = {}
        """By number those that somebody is in; of a long period that is a small part."""
        self._current = 0
        self._due_at: float | None = None

    def begin(self, now: float) -> float:
        """Return the seconds until the next tick, which is due a tick after the last one was.

        Args:
            now: The monotonic time.
        """
        if self._due_at is None:
            self._due_at = now + self.tick_seconds
        return min(self.tick_seconds, max(0.0, self._due_at - now))

    def count_due(self, now: float) -> int:
        """Return how many ticks are due, at most one for each slot, and take them for done."""
        if self._due_at is None:
            return 1
        late = max(0, int((now - self._due_at) / self.tick_seconds))
        if late < self._count:
            self._due_at += (late + 1) * self.tick_seconds
        else:  # longer than a period: everybody is served once, and the next is due anew
            self._due_at = now + self.tick_seconds
        return min(late + 1, self._count)

    def add(self, member: _T) -> int:
        """Add a member and return its slot, which `remove` takes."""
        self._slots.setdefault(self._current, {})[member] = None
        return self._current

    def remove(self, member: _T, slot: int) -> None:
        """Remove a member."""
        members = self._slots.get(slot, {})
        members.pop(member, None)
        if not members:
            self._slots.pop(slot, None)

    def tick(self, serve: Callable[[_T], None]) -> None:
        """Serve the members of the next slot."""
        self._current = (self._current + 1) % self._count
        for member in tuple(self._slots.get(self._current, ())):
            serve(member)
