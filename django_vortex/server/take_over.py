"""Where a peer that came from another process stands: `TakeOver`.

While the former process has not said what the peer has got, pushes are held back; after that, what
the peer has got already is not sent again. The former process speaks of what it has seen of every
process as sequence numbers, so both agree whatever order records arrive in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from django_vortex.server.delivery import Delivery
from django_vortex.server.outbox import Entry

ANSWER_SECONDS: Final = 2.0
"""How long the other processes have to say whether they know a peer."""

Stamp: TypeAlias = tuple[int, str]
"""When a peer came to which process; the later of two has the peer."""


@dataclass(slots=True)
class Gift:
    """What one process gave of a peer."""

    entries: list[Entry] = field(default_factory=list)
    """What it could not send, in order."""
    seen: dict[str, int] = field(default_factory=dict)
    """Up to which sequence number of each process it sent, or gave in `entries`."""
    is_orphan: bool = False
    """Whether it had been given nothing itself and knows only its own time with the peer."""
    is_complete: bool = False
    """Whether all of it came."""


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
        "gifts",
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
        self.gifts: dict[str, Gift] = {}
        """What came, by process."""
        self.dates: dict[str, int] = {}
        """The last dates that the peer got elsewhere."""
        self._opened = opened
        self._floor: dict[str, int] = {}
        self._held: list[Delivery] | None = []

    @property
    def is_pending(self) -> bool:
        """Whether pushes are held back."""
        return self._held is not None

    @property
    def is_orphan(self) -> bool:
        """Whether nobody who knew the peer before gave it to this process."""
        return all(gift.is_orphan or not gift.is_complete for gift in self.gifts.values())

    @property
    def held(self) -> int:
        """How many pushes are held back."""
        return len(self._held or ())

    @property
    def floor(self) -> Mapping[str, int]:
        """Up to which sequence number the peer got what each process pushed."""
        return self._floor

    def gift_of(self, process: str) -> Gift:
        """Give the gift of a process, to be filled."""
        return self.gifts.setdefault(process, Gift())

    def admits(self, delivery: Delivery) -> bool:
        """Tell whether a push is to be sent now; it may be held back, or have been sent before."""
        if self._was_sent(delivery):
            return False
        if self._held is None:
            return True
        self._held.append(delivery)
        return False

    def admits_late(self, entry: Entry) -> bool:
        """Tell whether a leftover that came too late was not sent by this process itself."""
        if isinstance(entry, str) or entry.source is None:
            return True
        return entry.sequence <= self._opened.get(entry.source, 0)

    def end(self) -> list[Entry]:
        """Stop to hold back, and give in order what the peer has not got yet.

        An orphan held back what was pushed in its time, which the process that had the peer all
        along has sent or given, too; only what nobody else has is taken from it.
        """
        entries: list[Entry] = []
        complete = [gift for gift in self.gifts.values() if gift.is_complete]
        trusted = [gift for gift in complete if not gift.is_orphan] or complete
        for gift in self.gifts.values():
            if not gift.is_complete:
                entries += filter(self.admits_late, gift.entries)
            elif any(gift is one for one in trusted):
                entries += gift.entries
            else:
                entries += (entry for entry in gift.entries if not _is_numbered(entry))
            gift.entries = []
        for gift in trusted:
            self._raise_floor(gift.seen)
        held, self._held = self._held or [], None
        entries += (delivery for delivery in held if not self._was_sent(delivery))
        return _without_repetition(entries)

    def _raise_floor(self, seen: Mapping[str, int]) -> None:
        for process, sequence in seen.items():
            self._floor[process] = max(sequence, self._floor.get(process, 0))

    def _was_sent(self, delivery: Delivery) -> bool:
        source = delivery.source
        return source is not None and delivery.sequence <= self._floor.get(source, 0)


def _is_numbered(entry: Entry) -> bool:
    return not isinstance(entry, str) and entry.source is not None


def _without_repetition(entries: Iterable[Entry]) -> list[Entry]:
    seen: set[tuple[str, int]] = set()
    kept: list[Entry] = []
    for entry in entries:
        if not isinstance(entry, str) and entry.source is not None:
            number = (entry.source, entry.sequence)
            if number in seen:
                continue
            seen.add(number)
        kept.append(entry)
    return kept
