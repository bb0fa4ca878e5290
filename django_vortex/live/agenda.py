"""What is due when: `Agenda`. Knows no clock; times are whatever its user compares them with."""

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Final, Generic, TypeVar

_T = TypeVar("_T", bound=Hashable)

_MAX_DEAD: Final = 64
"""Entries that are not valid any more, beyond as many as there are valid ones."""


class Agenda(Generic[_T]):
    """Items, each with the time at which it is due."""

    def __init__(self) -> None:
        self._times: dict[_T, float] = {}
        self._heap: list[tuple[float, int, _T]] = []
        self._count = count()

    def put(self, item: _T, time: float) -> None:
        """Make an item due at a time; if it is due earlier, leave it at that."""
        if time >= self._times.get(item, float("inf")):
            return
        self._times[item] = time
        heapq.heappush(self._heap, (time, next(self._count), item))
        if len(self._heap) > 2 * len(self._times) + _MAX_DEAD:
            self._heap = [one for one in self._heap if self._is_valid(one)]
            heapq.heapify(self._heap)

    def discard(self, item: _T) -> None:
        """Take an item off, if it is on."""
        self._times.pop(item, None)

    def pop_due(self, now: float, most: int) -> list[_T]:
        """Take off what is due, the earliest first, and not more than so many at once."""
        due: list[_T] = []
        while len(due) < most and (time := self.next_time) is not None and time <= now:
            item = heapq.heappop(self._heap)[2]
            del self._times[item]
            due.append(item)
        return due

    @property
    def next_time(self) -> float | None:
        """When the next item is due, None if there is none."""
        while self._heap and not self._is_valid(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _is_valid(self, entry: tuple[float, int, _T]) -> bool:
        time, _, item = entry
        return self._times.get(item) == time
