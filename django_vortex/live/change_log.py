"""What this process was told of, in order: `ChangeLog`.

Takes changes as they arrive, gives the position of each arrival, and what has arrived since one. It
is for matching changes with evaluations that were running meanwhile, so it keeps few of them.
"""

from collections import deque
from collections.abc import Sequence
from itertools import chain, takewhile
from typing import Final

from django_vortex.live.changes import Change

MAX_CHANGES: Final = 1000
"""How many changes are kept; matching more of them would take longer than an evaluation."""


class ChangeLog:
    """Changes by the position at which they arrived.

    Args:
        max_changes: How many are kept.
    """

    def __init__(self, max_changes: int = MAX_CHANGES) -> None:
        self._max_changes = max_changes
        self._arrived: deque[tuple[int, Sequence[Change]]] = deque()
        self._kept = 0
        self._known_since = 0
        self.position = 0
        """Of the last arrival; 0 is before the first."""

    def append(self, changes: Sequence[Change]) -> int:
        """Note changes that arrive together; return their position."""
        self.position += 1
        self._arrived.append((self.position, changes))
        self._kept += len(changes)
        while self._kept > self._max_changes:
            self.forget(self._arrived[0][0])
        return self.position

    def since(self, position: int) -> Sequence[Change] | None:
        """Return what has arrived after a position; None if that is not known any more."""
        if position < self._known_since:
            return None
        newest_first = takewhile(lambda one: one[0] > position, reversed(self._arrived))
        return list(chain.from_iterable(changes for _, changes in newest_first))

    def forget(self, position: int) -> None:
        """Forget what has arrived until a position."""
        self._known_since = max(self._known_since, position)
        while self._arrived and self._arrived[0][0] <= position:
            self._kept -= len(self._arrived.popleft()[1])

    def lose(self) -> int:
        """Note that changes were lost, nobody knows which; return the position of that."""
        self.position += 1
        self.forget(self.position)
        return self.position
