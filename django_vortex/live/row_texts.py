"""The JSON of all rows of an answer in one text: `RowTexts`.

Takes the JSON of each, gives that of the list, and of a list of some of them without encoding
anything again. An answer of a thousand rows is two objects and not two thousand.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate


class RowTexts:
    """The rows of a list as they were encoded.

    Args:
        texts: The JSON of each.

    Attributes:
        text: The JSON of the list.
    """

    __slots__ = ("_begins", "text")

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.text = b"[%b]" % b",".join(texts)
        # Each is one character behind the one before: a bracket, then commas.
        self._begins = array("Q", accumulate((len(one) + 1 for one in texts), initial=1))

    def __len__(self) -> int:
        return len(self._begins) - 1

    @property
    def places_bytes(self) -> int:
        """How many bytes say where the rows are in `text`."""
        return self._begins.itemsize * len(self._begins)

    def measure(self, positions: Iterable[int]) -> int:
        """Return how many bytes some of the rows have, with what stands between them."""
        begins = self._begins
        return sum(begins[one + 1] - begins[one] for one in positions)

    def choose(self, positions: Iterable[int]) -> bytes:
        """Return the JSON of a list of some of the rows."""
        begins, text = self._begins, self.text
        return b"[%b]" % b",".join(text[begins[one] : begins[one + 1] - 1] for one in positions)
