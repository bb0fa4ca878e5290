"""What has changed between two states of a list: `Delta`, in positions.

Takes two states, gives the shortest way to say what became of the rows; and `Patch`, in which a
former state is remembered by where it differs from the one after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from django_vortex.live.orders import find_longest_increasing
from django_vortex.live.tags import ENTRY_BYTES, KEY_BYTES, ListState

PATCH_BYTES: Final = 200
"""About what a patch takes beside its entries."""


@dataclass(frozen=True, slots=True)
class Delta:
    """How one list becomes another; what is not named keeps its order.

    Attributes:
        gone: Positions in the old list of the rows that are not in the new one as they were.
        put: Positions in the new list of the rows that are new or changed.
        was: For each of these where its former version was in the old list, None for a new row.
        moved: Pairs of new and old position of the rows that have moved unchanged.
    """

    gone: Sequence[int]
    put: Sequence[int]
    was: Sequence[int | None]
    moved: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Patch:
    """A former state, by where it differs from the one after it.

    Attributes:
        tag: That of the former state.
        first: How many rows at the beginning are the same.
        last: How many at the end.
        entries: What was between them.
    """

    tag: str
    first: int
    last: int
    entries: bytes

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return PATCH_BYTES + len(self.entries)

    def restore(self, after: ListState) -> ListState:
        """Return the former state, given the one after it."""
        begin, end = self.first * ENTRY_BYTES, len(after.entries) - self.last * ENTRY_BYTES
        entries = after.entries[:begin] + self.entries + after.entries[end:]
        return ListState(self.tag, after.is_one, entries)


def make_patch(old: ListState, new: ListState) -> Patch:
    """Return what makes the old state of the new one."""
    first, last = _find_ends(old.entries, new.entries)
    middle = old.entries[first * ENTRY_BYTES : len(old.entries) - last * ENTRY_BYTES]
    return Patch(old.tag, first, last, middle)


def find_delta(old: ListState, new: ListState) -> Delta:
    """Return how the rows of one list become those of another.

    A row is the same one if its key is, and the same key of several rows is told apart by how many
    with it came before. Of the unchanged rows as many as possible stay where they are.
    """
    first, last = _find_ends(old.entries, new.entries)
    old_rows = _number(old.entries, first, last)
    new_rows = _number(new.entries, first, last)
    places = {row: place for place, (row, _) in enumerate(old_rows, first)}
    put: list[int] = []
    was: list[int | None] = []
    same: list[tuple[int, int]] = []
    for position, (row, content) in enumerate(new_rows, first):
        place = places.get(row)
        if place is not None and old_rows[place - first][1] == content:
            same.append((position, place))
        else:
            put.append(position)
            was.append(place)
    staying = {place for _, place in same}
    gone = [place for place in range(first, first + len(old_rows)) if place not in staying]
    return Delta(gone, put, was, _find_moved(same))


def _find_ends(old: bytes, new: bytes) -> tuple[int, int]:
    """Return how many entries are the same at the beginning, and of the others at the end."""
    shorter = min(len(old), len(new)) // ENTRY_BYTES
    first, beyond = 0, shorter
    while first < beyond:
        middle = (first + beyond + 1) // 2
        begin, end = first * ENTRY_BYTES, middle * ENTRY_BYTES
        if old[begin:end] == new[begin:end]:
            first = middle
        else:
            beyond = middle - 1
    last, beyond = 0, shorter - first
    while last < beyond:
        middle = (last + beyond + 1) // 2
        begin, end = middle * ENTRY_BYTES, last * ENTRY_BYTES
        if old[len(old) - begin : len(old) - end] == new[len(new) - begin : len(new) - end]:
            last = middle
        else:
            beyond = middle - 1
    return first, last


def _number(entries: bytes, first: int, last: int) -> list[tuple[tuple[bytes, int], bytes]]:
    """Return key, number among those with the same key, and content of the rows in between."""
    seen: dict[bytes, int] = {}
    rows = []
    end = len(entries) - last * ENTRY_BYTES
    for begin in range(first * ENTRY_BYTES, end, ENTRY_BYTES):
        key = entries[begin : begin + KEY_BYTES]
        number = seen[key] = seen.get(key, -1) + 1
        rows.append(((key, number), entries[begin + KEY_BYTES : begin + ENTRY_BYTES]))
    return rows


def _find_moved(same: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return which of the pairs of positions have to be named, as few as possible."""
    places = [place for _, place in same]
    if all(one < other for one, other in pairwise(places)):
        return []
    staying = find_longest_increasing(places)
    return [pair for index, pair in enumerate(same) if index not in staying]
