"""Where a peer that came from another process stands: `TakeOver`.

While the former process has not said what the peer has got, pushes are held back; after that, what
the peer has got already is not sent again. The former process speaks of what it has seen of every
process as sequence numbers, so both agree whatever order records arrive in.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from django_vortex.server.delivery import Delivery

ANSWER_SECONDS: Final = 2.0
"""How long the other processes have to say whether they know a peer."""

Stamp: TypeAlias = tuple[int, str]
"""When a peer came to which process; the later of two has the peer."""


class TakeOver:
    """The take-over of one peer by this process.

    Args:
        stamp: When the peer came here, and this process.
        awaited: The processes that have to answer.
        opened: The last sequence taken from each process when the peer came.
        now: The monotonic time.
    """

    __slots__ = (
        "_floor",
        "_held",
        "_opened",
        "awaited",
        "dates",
        "deadline",
        "leftovers",
        "opened_at",
        "stamp",
    )

    def __init__(
        self, stamp: Stamp, awaited: set[str], opened: Mapping[str, int], now: float
    ) -> None:
        self.stamp = stamp
        self.awaited = awaited
        self.opened_at = now
        self.deadline = now + ANSWER_SECONDS
        self.leftovers: list[Delivery | str] = []
        """What the former process could not send, in order."""
        self.dates: dict[str, int] = {}
        """The last dates that the former process gave the peer."""
        self._opened = opened
        self._floor: dict[str, int] = {}
        self._held: list[Delivery] | None = []

    @property
    def is_pending(self) -> bool:
        """Whether pushes are held back."""
        return self._held is not None

    @property
    def held(self) -> int:
        """How many pushes are held back."""
        return len(self._held or ())

    @property
    def floor(self) -> Mapping[str, int]:
        """Up to which sequence number the peer got what each process pushed."""
        return self._floor

    def admits(self, delivery: Delivery) -> bool:
        """Tell whether a push is to be sent now; it may be held back, or have been sent before."""
        if self._was_sent(delivery):
            return False
        if self._held is None:
            return True
        self._held.append(delivery)
        return False

    def admits_late(self, entry: Delivery | str) -> bool:
        """Tell whether a leftover that came too late was not sent by this process itself."""
        if isinstance(entry, str) or entry.source is None:
            return True
        return entry.sequence <= self._opened.get(entry.source, 0)

    def raise_floor(self, seen: Mapping[str, int]) -> None:
        """Take what the former process says the peer has got."""
        for process, sequence in seen.items():
            self._floor[process] = max(sequence, self._floor.get(process, 0))

    def end(self) -> list[Delivery]:
        """Stop to hold back, and give what was held back and is not with the peer yet."""
        held, self._held = self._held or [], None
        return [delivery for delivery in held if not self._was_sent(delivery)]

    def _was_sent(self, delivery: Delivery) -> bool:
        source = delivery.source
        return source is not None and delivery.sequence <= self._floor.get(source, 0)
