"""What the parts of the codec ask of one another, as protocols.

Encoder and decoder run compiled plans and open envelopes, which encode and decode values in turn.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from django_vortex.tuples import TupleRegistry
from django_vortex.typedefs import Json
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.encoded_payload import EncodedPayload
from django_vortex.wire.limits import Limits
from django_vortex.wire.payload import Payload


class EncodesValues(Protocol):
    """Encodes the values of one message: `ValueEncoder`."""

    registry: TupleRegistry
    """Which classes travel as tuples."""
    dialect: Dialect
    """What the peer speaks."""
    is_native: bool
    """Whether that is our own dialect."""
    is_portable: bool
    """Whether everything so far reads the same in all dialects but D0."""
    is_lasting: bool
    """Whether nothing so far was lazy."""

    @property
    def codec(self) -> EncodesPayloads:
        """What encodes the payloads of envelopes inside data."""

    def encode(self, value: object, depth: int = 0) -> Json:
        """Return what JSON can hold."""

    def encode_member(self, name: str, value: object, depth: int) -> Json:
        """Encode a named part of something."""

    def encode_payload(self, value: Payload, depth: int = 0) -> Json:
        """Return the ``rp`` object."""

    def check_raw(self, value: Json, depth: int = 0) -> Json:
        """Return the value of a raw field."""

    def descend(self, value: object, depth: int) -> int:
        """Return the depth of what is inside a value."""


EncodeAll: TypeAlias = Callable[[Iterable[Any], EncodesValues, list[Json]], None]
"""Takes instances, the encoder of the message, and the list to fill."""


EncodeColumns: TypeAlias = Callable[[Sequence[Any], EncodesValues], Json]
"""Takes instances and the encoder of the message, returns the object of their columns."""


class DecodesValues(Protocol):
    """Decodes the values of one dialect: `ValueDecoder`."""

    @property
    def registry(self) -> TupleRegistry:
        """Which types may be built."""

    def decode(self, value: Json, depth: int = 0) -> Any:
        """Return the value that parsed JSON stands for."""

    def decode_data(self, value: Json, depth: int) -> Any:
        """Return what stands for a value of a registered type."""

    def decode_column(self, column: Json, depth: int) -> list[Any]:
        """Return the values of a column."""

    def check_raw(self, value: Json, depth: int) -> Json:
        """Return plain JSON as it is."""


class EncodesPayloads(Protocol):
    """Encodes and decodes what is in an envelope: `Codec`."""

    registry: TupleRegistry
    """Which classes travel as tuples."""
    limits: Limits
    """What a peer may make us hold."""

    def replace_stand_ins(self, value: Any) -> Any:
        """Return a filt or result without what is lazy."""

    def encode_value(self, value: object, dialect: Dialect) -> Json:
        """Return what JSON can hold for a value."""

    def decode_value(self, json: Json, dialect: Dialect, path: str = "$") -> Any:
        """Return the value that parsed JSON stands for."""

    def encode_json(self, value: Json, dialect: Dialect) -> bytes:
        """Return the ASCII JSON text of an encoded value."""

    def encode_payload(
        self, payload: Payload, dialect: Dialect, date: dt.datetime | None = None
    ) -> EncodedPayload:
        """Encode a payload, once for all forms of messages."""

    def decode_payload(
        self, text: bytes | str, dialect: Dialect, *, is_foreign: bool = True
    ) -> Payload:
        """Return the payload that was encoded as ``text``."""

    def decode_inflated(self, json: bytes, dialect: Dialect, arrived: int | None = None) -> Payload:
        """Return the payload of its JSON."""

    def decode_payload_object(self, source: Json, dialect: Dialect) -> Payload:
        """Return the payload that parsed JSON stands for."""
