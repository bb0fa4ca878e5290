"""Texts on their way to one peer: the number of their push, what follows them, their size.

Takes texts of the wire, gives them for the other transport of a peer or for another process.
"""

from typing import Any

from django_vortex.wire import framing
from django_vortex.wire.pieces import PiecedText


class NumberedText(str):
    """The text of a push that other processes know of, with its source and sequence.

    A stream gives back texts that it did not send. Where another process has got the same push for
    the same peer, only the number tells.
    """

    __slots__ = ("pieced", "sequence", "source")

    pieced: PiecedText | None
    source: str
    sequence: int

    def __new__(cls, text: str, source: str, sequence: int) -> "NumberedText":
        """Make one of the text and the number of its record."""
        numbered = super().__new__(cls, text)
        numbered.pieced = get_pieced(text)
        numbered.source = source
        numbered.sequence = sequence
        return numbered

    def to_record(self) -> list[Any]:
        """Return what is made into one again by ``NumberedText(*record)``."""
        return [flatten(self), self.source, self.sequence]


def get_pieced(text: str) -> PiecedText | None:
    """Return what says which pieces follow a text, None if none do."""
    if type(text) is str:
        return None
    if isinstance(text, NumberedText):
        return text.pieced
    return text if isinstance(text, PiecedText) else None


def measure(text: str) -> int:
    """Return the bytes of a text with all that follows it."""
    pieced = get_pieced(text)
    return len(text) if pieced is None else pieced.size


def flatten(text: str) -> str:
    """Return a text without pieces, plain, as other processes can carry it."""
    pieced = get_pieced(text)
    return str(text) if pieced is None else pieced.flatten()


def reframe(text: str, *, framed: bool, has_pieces: bool) -> str:
    """Write a ready text of a peer for its other transport, with the number of its push.

    Args:
        text: As it was written.
        framed: Whether the transport is HTTP.
        has_pieces: Whether the peer reads pieces.
    """
    pieced = get_pieced(text)
    if pieced is None or framed or not has_pieces:
        reframed = framing.reframe(flatten(text), framed=framed)
    else:
        reframed = pieced
    if isinstance(text, NumberedText):
        return NumberedText(reframed, text.source, text.sequence)
    return reframed
