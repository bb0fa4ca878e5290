"""The content of a message.

Takes a filt and tuples, gives both to the codec. Knows nothing of how it is written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django_vortex.typedefs import Filt

PAYLOAD_CLASS = "vortex.Payload.Payload"
"""The ``_c`` of payloads on the wire; nobody reads it."""


class Payload:
    """A list of tuples with the filt it belongs to.

    Args:
        filt: What the payload is about; None becomes an empty dict.
        tuples: Any iterable of values that can travel: tuples, but also plain values.
        date: When it was made; None leaves that to whoever sends it.
    """

    __slots__ = ("date", "filt", "tuples")

    __hash__ = None  # type: ignore[assignment]  # equal by value and mutable

    def __init__(
        self,
        filt: Filt | None = None,
        tuples: Iterable[Any] = (),
        date: dt.datetime | None = None,
    ) -> None:
        self.filt: Filt = {} if filt is None else filt
        self.tuples: Any = [] if tuples == () else tuples
        self.date = date

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Payload):
            return NotImplemented
        return (
            self.filt == other.filt
            and self.date == other.date
            and list(self.tuples) == list(other.tuples)
        )

    def __repr__(self) -> str:
        return f"Payload({self.filt!r}, tuples={self.tuples!r}, date={self.date!r})"
