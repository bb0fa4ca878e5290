"""The sequence numbers of every process, to notice lost and repeated records."""

from typing import Final, NamedTuple

MAX_SOURCES: Final = 4096
"""How many processes are followed; short-lived ones that only push count, too."""


class Place(NamedTuple):
    """Where a record stands among those of its process."""

    is_new: bool
    """Whether it was not taken before."""
    lost: int
    """How many records before it never came."""


class Sequences:
    """The last sequence number that came from each process."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def take(self, process: str, sequence: int) -> Place:
        """Place a record. The first of a process says nothing about what came before it."""
        last = self._last.get(process)
        if last is None:
            if len(self._last) >= MAX_SOURCES:
                del self._last[next(iter(self._last))]
            self._last[process] = sequence
            return Place(True, 0)
        if sequence <= last:
            return Place(False, 0)
        self._last[process] = sequence
        return Place(True, sequence - last - 1)
