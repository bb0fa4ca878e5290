"""Which of several rows have moved: the others are a longest increasing subsequence."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def find_longest_increasing(values: Sequence[int]) -> set[int]:
    """Return the indices of a longest increasing subsequence of different numbers."""
    ends: list[int] = []
    """By length, the least number that ends an increasing subsequence so long."""
    ends_at: list[int] = []
    before: list[int] = []
    for index, value in enumerate(values):
        length = bisect_left(ends, value)
        before.append(ends_at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(value)
            ends_at.append(index)
        else:
            ends[length] = value
            ends_at[length] = index
    found: set[int] = set()
    index = ends_at[-1] if ends_at else -1
    while index >= 0:
        found.add(index)
        index = before[index]
    return found
