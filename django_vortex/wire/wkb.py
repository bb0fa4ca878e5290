"""A geometry as VortexPY carries it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wkb:
    """A geometry in well-known binary form (WKB), whatever made it.

    VortexPY sends the binary alone, so the reference system has to be known to both ends.
    """

    data: bytes
