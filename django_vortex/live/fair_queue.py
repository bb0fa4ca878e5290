"""Who is served next, so that everybody gets a fair share: `FairQueue`.

Each item belongs to somebody. Next is the first item of whoever has been served least since there
is a queue; serving is counted in seconds. Whoever comes anew is not served for what others had
before.
"""

import heapq
from collections.abc import Container, Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, NamedTuple, TypeVar

_T = TypeVar("_T", bound=Hashable)


class Turn(NamedTuple, Generic[_T]):
    """Whose turn it is, and with what."""

    owner: Hashable
    item: _T


@dataclass(slots=True)
class _Lane(Generic[_T]):
    """The items of one owner, and the seconds that it was served."""

    seconds: float
    items: dict[_T, None] = field(default_factory=dict)
    is_listed: bool = False


class FairQueue(Generic[_T]):
    """Items that wait, by owner."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane[_T]] = {}
        self._owners: dict[_T, Hashable] = {}
        self._listed: list[tuple[float, int, Hashable]] = []
        self._count = count()
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, item: object) -> bool:
        return item in self._owners

    def put(self, item: _T, owner: Hashable) -> None:
        """Let an item wait, behind the others of its owner; nothing if it waits already."""
        if item in self._owners:
            return
        lane = self._lanes.setdefault(owner, _Lane(self._now))
        if not lane.items:
            lane.seconds = max(lane.seconds, self._now)
        lane.items[item] = None
        self._owners[item] = owner
        self._list(owner, lane)

    def discard(self, item: _T) -> None:
        """Take an item out, if it waits."""
        owner = self._owners.pop(item, None)
        if owner in self._lanes:
            self._lanes[owner].items.pop(item, None)
        if not self._owners:
            self._lanes.clear()
            self._listed.clear()

    def get_next(self, passed_over: Container[Hashable]) -> Turn[_T] | None:
        """Return whose turn it is, and leave the item where it is; None if there is nobody.

        Args:
            passed_over: Owners whose turn it is not.
        """
        aside = []
        turn = None
        while self._listed and turn is None:
            seconds, _, owner = heapq.heappop(self._listed)
            lane = self._lanes[owner]
            lane.is_listed = False
            if not lane.items:
                continue
            if lane.seconds > seconds:  # it was served since it was listed
                self._list(owner, lane)
                continue
            aside.append((owner, lane))
            if owner not in passed_over:
                turn = Turn(owner, next(iter(lane.items)))
                self._now = lane.seconds
        for owner, lane in aside:
            self._list(owner, lane)
        return turn

    def charge(self, owner: Hashable, seconds: float) -> None:
        """Count seconds for which an owner was served."""
        lane = self._lanes.get(owner)
        if lane is not None:
            lane.seconds += seconds

    def _list(self, owner: Hashable, lane: _Lane[_T]) -> None:
        if not lane.is_listed:
            lane.is_listed = True
            heapq.heappush(self._listed, (lane.seconds, next(self._count), owner))
