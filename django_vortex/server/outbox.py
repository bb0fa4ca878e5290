"""The queue of messages for one peer: `Outbox`, bounded by the code that fills it."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from django_vortex.server.delivery import Delivery
from django_vortex.server.texts import measure

Entry: TypeAlias = Delivery | str
"""A delivery, or a text that a former stream of the peer gave back."""


class Outbox:
    """A queue that knows how many bytes it holds."""

    __slots__ = ("_entries", "size")

    def __init__(self) -> None:
        # An empty deque is 600 bytes, and the outbox of most peers is never used.
        self._entries: deque[tuple[Entry, int, int]] | None = None
        self.size = 0
        """The bytes of all texts that wait."""

    def __len__(self) -> int:
        return len(self._entries) if self._entries else 0

    def __iter__(self) -> Iterator[Entry]:
        """Yield what waits, each delivery with the date that the peer gets it with."""
        for entry, date, _ in self._entries or ():
            yield entry if isinstance(entry, str) else entry.dated(date)

    def append(self, entry: Entry, date: int, size: int) -> None:
        """Add the newest entry.

        Args:
            entry: What waits.
            date: With which date the peer gets it; a text has its own.
            size: The bytes of its text.
        """
        if self._entries is None:
            self._entries = deque()
        self._entries.append((entry, date, size))
        self.size += size

    def add_first(self, texts: Iterable[str]) -> None:
        """Put texts that a stream gave back, oldest first, before all that waits."""
        entries: list[tuple[Entry, int, int]] = [(text, 0, measure(text)) for text in texts]
        if not entries:
            return
        if self._entries is None:
            self._entries = deque()
        self._entries.extendleft(reversed(entries))
        self.size += sum(size for _, _, size in entries)

    @property
    def next_size(self) -> int:
        """The bytes of the oldest entry, 0 if nothing waits."""
        return self._entries[0][2] if self._entries else 0

    def pop(self) -> tuple[Entry, int]:
        """Take the oldest entry out, and its date; there must be one."""
        if self._entries is None:
            raise IndexError("Nothing waits")
        entry, date, size = self._entries.popleft()
        self.size -= size
        return entry, date

    def coalesce(self) -> int:
        """Drop every update that a later one supersedes and tell how many those were."""
        kept: deque[tuple[Entry, int, int]] = deque()
        newer: set[str] = set()
        before = len(self)
        for item in reversed(self._entries or ()):
            key = None if isinstance(item[0], str) else item[0].coalesce
            if key is None or key not in newer:
                kept.appendleft(item)
            else:
                self.size -= item[2]
            if key is not None:
                newer.add(key)
        self._entries = kept
        return before - len(kept)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._entries = None
        self.size = 0
