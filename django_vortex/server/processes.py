"""What this process knows of the others: which run, what each has sent, which peers they have."""

from collections.abc import Iterable, Mapping
from typing import Final

PRESENCE_SECONDS: Final = 20.0
"""Time between two announcements of a process to the others."""

FORGET_SECONDS: Final = 3 * PRESENCE_SECONDS
"""A process not heard of for this long is gone."""

RECENT_SECONDS: Final = 5.0
"""A record taken longer ago than this has reached every process, or never will."""

MAX_SOURCES: Final = 4096
"""How many processes the last sequence is remembered for, short-lived ones that only push too."""

MAX_KNOWN_PEERS: Final = 20_000
"""How many peers of any process are remembered as not new."""


class Processes:
    """The other processes of the project, as far as they were heard of."""

    def __init__(self) -> None:
        self._live: dict[str, float] = {}
        self._seen: dict[str, int] = {}
        self._taken_at: dict[str, float] = {}
        self._known_peers: dict[str, float] = {}
        self._suspected: set[str] = set()

    @property
    def live(self) -> set[str]:
        """The processes that hold peers and were heard of lately."""
        return set(self._live)

    @property
    def trusted(self) -> set[str]:
        """Those of them that have answered, or were heard of, since they were asked last."""
        return set(self._live) - self._suspected

    def suspect_silent(self, processes: Iterable[str], since: float) -> set[str]:
        """Suspect processes of which nothing has been heard: nobody waits for them until it is.

        Args:
            processes: Have not answered in time.
            since: When they were asked.

        Returns:
            Those that are suspected.
        """
        silent = {one for one in processes if self._taken_at.get(one, 0.0) < since}
        self._suspected |= silent
        return silent

    @property
    def seen(self) -> dict[str, int]:
        """The last sequence number that was taken from each process, as a copy."""
        return dict(self._seen)

    def seen_lately(self, now: float) -> dict[str, int]:
        """Return the part of `seen` that other processes may not have seen yet."""
        limit = now - RECENT_SECONDS
        return {
            process: sequence
            for process, sequence in self._seen.items()
            if self._taken_at[process] >= limit
        }

    def has_seen(self, sequences: Mapping[str, int]) -> bool:
        """Return whether all that another process has seen was taken here too."""
        return all(self._seen.get(process, 0) >= last for process, last in sequences.items())

    def take(self, process: str, sequence: int, now: float) -> None:
        """Note that a record was taken."""
        if process not in self._seen and len(self._seen) >= MAX_SOURCES:
            oldest = next(iter(self._seen))
            del self._seen[oldest], self._taken_at[oldest]
        self._suspected.discard(process)
        self._seen[process] = sequence
        self._taken_at[process] = now

    def announce(self, process: str, now: float) -> bool:
        """Note that a process lives, and tell whether it is new."""
        is_new = process not in self._live
        self._live[process] = now
        return is_new

    def leave(self, process: str) -> None:
        """Note that a process has ended."""
        self._live.pop(process, None)
        self._suspected.discard(process)

    def forget(self, now: float) -> list[str]:
        """Remove the processes that were not heard of for too long, and return them."""
        gone = [process for process, at in self._live.items() if now - at > FORGET_SECONDS]
        for process in gone:
            self.leave(process)
        return gone

    def is_known(self, uuid: str) -> bool:
        """Return whether a peer was with any process before."""
        return uuid in self._known_peers

    def has_known_lately(self, uuid: str, now: float) -> bool:
        """Return whether a peer came to any process so lately that others may not know it yet."""
        known_at = self._known_peers.get(uuid)
        return known_at is not None and now - known_at <= RECENT_SECONDS

    def know(self, uuid: str, now: float) -> None:
        """Note that a process has a peer."""
        self._known_peers.pop(uuid, None)
        self._known_peers[uuid] = now
        if len(self._known_peers) > MAX_KNOWN_PEERS:
            del self._known_peers[next(iter(self._known_peers))]
