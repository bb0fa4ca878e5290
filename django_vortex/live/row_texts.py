"""The JSON of all rows of an answer in one text: `RowTexts`.

Takes the JSON of each, gives that of the list, and that of some of them without encoding anything
again. An answer of a thousand rows is two objects and not two thousand; as there may be tens of
thousands of answers that nobody asks for, longer texts are kept compressed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from isal import isal_zlib

PACKED_BYTES: Final = 2048
"""How long a text may be that is kept as it is."""

_FASTEST: Final = 0


class RowTexts:
    """The rows of a list as they were encoded.

    Args:
        texts: The JSON of each.
    """

    __slots__ = ("_begins", "_is_packed", "_text", "size")

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._text = b"[%b]" % b",".join(texts)
        self._is_packed = False
        self.size = len(self._text)
        """How long the JSON of the list is."""
        # Each is one character behind the one before: a bracket, then commas.
        begins = accumulate((len(one) + 1 for one in texts), initial=1)
        self._begins = array("Q" if self.size >> 32 else "I", begins)

    def __len__(self) -> int:
        return len(self._begins) - 1

    @property
    def text(self) -> bytes:
        """The JSON of the list."""
        return bytes(isal_zlib.decompress(self._text)) if self._is_packed else self._text

    @property
    def held_bytes(self) -> int:
        """How many bytes are kept."""
        return len(self._text) + self._begins.itemsize * len(self._begins)

    def pack(self) -> None:
        """Keep a long text compressed from now on."""
        if not self._is_packed and self.size > PACKED_BYTES:
            self._text = isal_zlib.compress(self._text, _FASTEST)
            self._is_packed = True

    def choose(self, positions: Iterable[int]) -> list[bytes]:
        """Return the JSON of some of the rows."""
        begins, text = self._begins, self.text
        return [text[begins[one] : begins[one + 1] - 1] for one in positions]
