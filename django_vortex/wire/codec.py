"""Values and payloads to text and back.

Takes Python values with a dialect, gives ASCII JSON and encoded payloads; takes what a peer sent,
gives values or a `WireError`. `encoder` has the table of what becomes what.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django_vortex.exceptions import DefinitionError, LimitExceeded, MalformedMessage, WireError
from django_vortex.tuples import TupleRegistry, registry
from django_vortex.typedefs import Json
from django_vortex.wire.decoder import ValueDecoder
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.encoder import ValueEncoder
from django_vortex.wire.inflate import deflate, inflate
from django_vortex.wire.json_text import read_json, too_deep, write_json
from django_vortex.wire.limits import Limits
from django_vortex.wire.payload import EncodedPayload, Payload


class Codec:
    """Writes and reads the contents of messages.

    Args:
        registry: Which classes travel as tuples.
        limits: What a peer may make us hold.
    """

    def __init__(self, registry: TupleRegistry = registry, limits: Limits | None = None) -> None:
        self.registry = registry
        self.limits = Limits() if limits is None else limits
        self._decoders = {
            dialect: ValueDecoder(registry, dialect, self.limits.depth) for dialect in Dialect
        }

    def encode_value(self, value: object, dialect: Dialect) -> Json:
        """Give what JSON can hold for a value.

        Raises:
            DefinitionError: Something in the value cannot travel.
        """
        return self._encode(value, dialect)[0]

    def decode_value(self, json: Json, dialect: Dialect, path: str = "$") -> Any:
        """Give the value that parsed JSON stands for.

        Args:
            json: What `read_json` gave.
            dialect: What the peer speaks.
            path: Where in the message ``json`` is, for the text of errors.

        Raises:
            WireError: It stands for none.
        """
        try:
            return self._decoders[dialect].decode(json)
        except WireError as error:
            raise _with_path(error, path) from error.__cause__
        except RecursionError:
            raise too_deep(self.limits.depth) from None

    def encode_json(self, value: Json, dialect: Dialect) -> bytes:
        """Give the ASCII JSON text of an encoded value."""
        return write_json(value)

    def read_json(self, text: bytes | str) -> Json:
        """Parse JSON text that a peer sent.

        Raises:
            WireError: It is not JSON, or nested too deep even to parse.
        """
        return read_json(text, self.limits.depth)

    def encode_payload(
        self, payload: Payload, dialect: Dialect, date: dt.datetime | None = None
    ) -> EncodedPayload:
        """Give ``base64(zlib(JSON))`` of a payload.

        Args:
            payload: What to encode; its tuples are listed here, so a query runs now.
            dialect: What the peer speaks.
            date: The date of a payload that has none of its own.

        Raises:
            DefinitionError: Something in the payload cannot travel.
        """
        whole = Payload(payload.filt, payload.tuples, payload.date or date)
        encoded, is_portable = self._encode(whole, dialect)
        return EncodedPayload(deflate(write_json(encoded)), is_portable)

    def decode_payload(self, text: bytes | str, dialect: Dialect) -> Payload:
        """Give the payload that was encoded as ``text``.

        Raises:
            WireError: It is no payload, or beyond the limits.
        """
        source = self.read_json(inflate(text, self.limits.inflated_bytes))
        return self.decode_payload_object(source, dialect)

    def decode_payload_object(self, source: Json, dialect: Dialect) -> Payload:
        """Give the payload that parsed JSON stands for.

        Raises:
            WireError: It is no payload, or beyond the limits.
        """
        if source.__class__ is not dict or source.get("_ct") != "rp":
            raise MalformedMessage("Message is no payload")
        tuples = source.get("tuples")
        if tuples.__class__ is list and len(tuples) > self.limits.tuples:
            raise LimitExceeded(
                f"Payload of {len(tuples)} tuples exceeds max_tuples ({self.limits.tuples})"
            )
        payload: Payload = self.decode_value(source, dialect)
        return payload

    def _encode(self, value: object, dialect: Dialect) -> tuple[Json, bool]:
        encoder = ValueEncoder(self, dialect)
        try:
            return encoder.encode(value), encoder.is_portable
        except RecursionError:
            raise DefinitionError("Cannot encode a value that contains itself") from None


def _with_path(error: WireError, path: str) -> WireError:
    """Give an error whose path begins where the whole value is."""
    whole = error.path if error.path == "$" else path + error.path
    return type(error)(error.text, whole, error.hint)
