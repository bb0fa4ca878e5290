"""What can be inside an envelope, closed until somebody asks for it.

Takes what stood in a message that came, or what was encoded before it is known how it travels;
gives the payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from django_vortex.typedefs import Json
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload
from django_vortex.wire.ports import EncodesPayloads


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A payload that came compressed: ``base64(zlib(JSON))``."""

    text: str | bytes
    dialect: Dialect
    is_foreign: bool = field(default=True, repr=False, compare=False)
    """Whether it may hold no more than is in proportion to its length."""

    def decode(self, codec: EncodesPayloads) -> Payload:
        """Open it; raises `WireError`."""
        return codec.decode_payload(self.text, self.dialect, is_foreign=self.is_foreign)


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A payload that came as JSON, from one of our own ends.

    What is the same as in the envelope, filt and date, may be missing in it.
    """

    json: bytes
    dialect: Dialect = Dialect.NATIVE
    is_foreign: bool = field(default=True, repr=False, compare=False)
    """Whether it may hold no more than is in proportion to its length."""

    def decode(self, codec: EncodesPayloads) -> Payload:
        """Read it; raises `WireError`."""
        arrived = len(self.json) if self.is_foreign else None
        return codec.decode_inflated(self.json, self.dialect, arrived)


@dataclass(frozen=True, slots=True)
class InflatedBody:
    """A D0 payload: inflated already, since the filt is inside, but its tuples are still JSON."""

    source: Json

    def decode(self, codec: EncodesPayloads) -> Payload:
        """Decode the values; raises `WireError`."""
        return codec.decode_payload_object(self.source, Dialect.D0)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedTuples:
    """Tuples of ours that were encoded apart from a payload, for some dialects.

    Attributes:
        by_dialect: The JSON of their list, always for both versions of our own dialect.
        filt: The JSON of the filt for our own ends, where that is not what a codec writes.
    """

    by_dialect: Mapping[Dialect, bytes]
    filt: bytes = b""

    @property
    def dialect(self) -> Dialect:
        """What is opened for those for whom nothing was encoded."""
        return Dialect.NATIVE_1

    def decode(self, codec: EncodesPayloads) -> Payload:
        """Open it."""
        json = b'{"_ct":"rp","tuples":%b}' % self.by_dialect[self.dialect]
        return codec.decode_inflated(json, self.dialect)


Body: TypeAlias = Payload | EncodedBody | JsonBody | InflatedBody | EncodedTuples
"""What can be inside an envelope."""
