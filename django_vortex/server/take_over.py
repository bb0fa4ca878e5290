"""The state of a peer that is being taken over from another process: `TakeOver`.

While the former process has not said what the peer has got, pushes are held back; after that, what
the peer has got already is not sent again. The former process speaks of what it has seen of every
process as sequence numbers, so both agree whatever order records arrive in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from django_vortex.server.delivery import Delivery
from django_vortex.server.outbox import Entry
from django_vortex.server.session import Session
from django_vortex.server.texts import NumberedText

ANSWER_SECONDS: Final = 2.0
"""How long the other processes have to say whether they know a peer."""

Stamp: TypeAlias = tuple[int, str]
"""When a peer came to which process; the later of two has the peer."""


@dataclass(slots=True)
class Gift:
    """What one process handed over of a peer."""

    entries: list[Entry] = field(default_factory=list)
    """What it could not send, in order."""
    seen: dict[str, int] = field(default_factory=dict)
    """Up to which sequence number of each process it sent, or gave in `entries`."""
    is_orphan: bool = False
    """Whether it had been given nothing itself and knows only its own time with the peer."""
    is_complete: bool = False
    """Whether all of it came."""
    window: list[str] = field(default_factory=list)
    """What was written to the peer and not acknowledged by it, in order."""
    session: list[int] | None = None
    """What there is to say of the session beside its window."""

    def complete(self, seen: dict[str, int], *, is_orphan: bool) -> None:
        """Note that all came."""
        self.seen = seen
        self.is_orphan = is_orphan
        self.is_complete = True


class TakeOver:
    """The take-over of one peer by this process.

    Args:
        stamp: When the peer came here, and this process.
        awaited: The processes that have to answer.
        seen: The last sequence taken from each process by now.
        now: The monotonic time.
        is_established: Whether this process had the peer all along, and asks only because
            another has asked for it meanwhile.
    """

    __slots__ = (
        "_floor",
        "_held",
        "_high",
        "_is_established",
        "_low",
        "asked_at",
        "awaited",
        "calls",
        "dates",
        "deadline",
        "gifts",
        "is_known",
        "stamp",
    )

    def __init__(
        self,
        stamp: Stamp,
        awaited: set[str],
        seen: Mapping[str, int],
        now: float,
        *,
        is_established: bool = False,
    ) -> None:
        self.gifts: dict[tuple[str, Stamp], Gift] = {}
        """What came, by process and by which question it answers."""
        self.dates: dict[str, int] = {}
        """The last dates that the peer got elsewhere."""
        self.is_known = False
        """Whether another process has had the peer lately, though it gave nothing."""
        self._is_established = is_established
        # What this process itself sent the peer while it was not pending: after low, up to high.
        self._low: Mapping[str, int] = {} if is_established else seen
        self.calls: list[Callable[[], None]] = []
        """What waits until pushes are not held back any more."""
        self._floor: dict[str, int] = {}
        self._ask(stamp, awaited, seen, now)

    def renew(self, stamp: Stamp, awaited: set[str], seen: Mapping[str, int], now: float) -> None:
        """Ask again, since the peer has a new stream here that others do not know of."""
        if self._held is None:
            self._is_established = not self.is_orphan
            if self._is_established:
                self._low = {}
            self.gifts = {}
            self._ask(stamp, awaited, seen, now)
        else:
            self.stamp = stamp
            self.awaited = awaited
            self.asked_at = now
            self.deadline = now + ANSWER_SECONDS

    def _ask(self, stamp: Stamp, awaited: set[str], seen: Mapping[str, int], now: float) -> None:
        self.stamp = stamp
        self.awaited = awaited
        self.asked_at = now
        self.deadline = now + ANSWER_SECONDS
        self._high: Mapping[str, int] = seen
        self._held: list[Delivery] | None = []

    @property
    def is_pending(self) -> bool:
        """Whether pushes are held back."""
        return self._held is not None

    @property
    def is_orphan(self) -> bool:
        """Whether nobody who knew the peer before gave it to this process."""
        return not self._is_established and all(
            gift.is_orphan or not gift.is_complete for gift in self.gifts.values()
        )

    @property
    def is_first(self) -> bool:
        """Whether this process has sent the peer no push yet."""
        return self._held is not None and self._low is self._high

    @property
    def held(self) -> int:
        """How many pushes are held back."""
        return len(self._held or ())

    @property
    def floor(self) -> Mapping[str, int]:
        """Up to which sequence number the peer got what each process pushed."""
        return self._floor

    def gift_of(self, process: str, stamp: Stamp) -> Gift:
        """Return the gift with which a process answers a question, to be filled."""
        return self.gifts.setdefault((process, stamp), Gift())

    def admits(self, delivery: Delivery) -> bool:
        """Return whether to send a push now; it may be held back, or have been sent before."""
        if self._was_sent(delivery):
            return False
        if self._held is None:
            return True
        self._held.append(delivery)
        return False

    def admits_late(self, entry: Entry) -> bool:
        """Return whether a leftover that came too late was not sent by this process itself."""
        number = get_number(entry)
        if number is None:
            return True
        source, sequence = number
        return not self._is_established and sequence <= self._low.get(source, 0)

    def restore(self, session: Session) -> None:
        """Let a session be what another process had; nothing else of the peer is taken then."""
        for gift in self.gifts.values():
            if gift.is_complete and gift.session is not None and not session.has_begun:
                session.restore(gift.session, gift.window)
            else:
                gift.entries = []

    def end(self) -> list[Entry]:
        """Stop to hold back, and give in order what the peer has not got yet.

        An orphan held back what was pushed in its time, which the process that had the peer all
        along has sent or given, too; only what nobody else has is taken from it.
        """
        entries: list[Entry] = []
        complete = [gift for gift in self.gifts.values() if gift.is_complete]
        trusted = [gift for gift in complete if not gift.is_orphan]
        if not trusted and not self._is_established:
            trusted = complete
        for gift in self.gifts.values():
            if not gift.is_complete:
                entries += filter(self.admits_late, gift.entries)
            elif any(gift is one for one in trusted):
                entries += (entry for entry in gift.entries if not self._sent_itself(entry))
            else:
                entries += (entry for entry in gift.entries if is_unnumbered(entry))
            gift.entries = []
        for gift in trusted:
            for process, sequence in gift.seen.items():
                self._floor[process] = max(sequence, self._floor.get(process, 0))
        if not self.gifts and not self.awaited and not self.is_known:
            self._is_established = True
            self._low = {}
        held, self._held = self._held or [], None
        entries += (delivery for delivery in held if not self._was_sent(delivery))
        return _without_repetition(entries)

    def _sent_itself(self, entry: Entry) -> bool:
        number = get_number(entry)
        if number is None or self._low is self._high:
            return False
        source, sequence = number
        return self._low.get(source, 0) < sequence <= self._high.get(source, 0)

    def _was_sent(self, delivery: Delivery) -> bool:
        source = delivery.source
        return source is not None and delivery.sequence <= self._floor.get(source, 0)


def is_unnumbered(entry: Entry) -> bool:
    """Return whether nobody can have an entry but the process that has it."""
    return get_number(entry) is None


def get_number(entry: Entry) -> tuple[str, int] | None:
    """Return the process that pushed an entry and its number there, None for what has none."""
    if isinstance(entry, NumberedText):
        return entry.source, entry.sequence
    if isinstance(entry, str) or entry.source is None:
        return None
    return entry.source, entry.sequence


def _without_repetition(entries: Iterable[Entry]) -> list[Entry]:
    seen: set[tuple[str, int]] = set()
    kept: list[Entry] = []
    for entry in entries:
        number = get_number(entry)
        if number is not None:
            if number in seen:
                continue
            seen.add(number)
        kept.append(entry)
    return kept
