"""Values and payloads to text and back.

Takes Python values with a dialect, gives ASCII JSON and encoded payloads; takes what a peer sent,
gives values or a `WireError`. `encoder` has the table of what becomes what.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django_vortex.exceptions import (
    DefinitionError,
    LimitExceeded,
    MalformedMessage,
    UnencodableValue,
    WireError,
)
from django_vortex.tuples import TupleRegistry, TupleType, registry
from django_vortex.typedefs import Json
from django_vortex.wire.bodies import EncodedTuples
from django_vortex.wire.carried import get_uncarried
from django_vortex.wire.columns import expand_columns, fold_rows
from django_vortex.wire.decoder import ValueDecoder
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.encoded_payload import EncodedPayload
from django_vortex.wire.encoded_rows import EncodedRows
from django_vortex.wire.encoder import ValueEncoder
from django_vortex.wire.inflate import inflate
from django_vortex.wire.json_text import (
    check_containers,
    read_json,
    too_deep,
    write_json,
)
from django_vortex.wire.limits import Limits
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import replace_stand_ins
from django_vortex.wire.quick_decoding import QuickDecoding
from django_vortex.wire.quick_encoding import QuickEncoding


class Codec:
    """Writes and reads the contents of messages.

    Args:
        registry: Which classes travel as tuples.
        limits: What a peer may make us hold.
        reads_unknown_tuples: Whether messages may hold tuples of types that are not registered;
            they become `GenericTuple`.
        reads_parts: Whether they may hold parts of rows; these become `RowPart`.
    """

    def __init__(
        self,
        registry: TupleRegistry = registry,
        limits: Limits | None = None,
        *,
        reads_unknown_tuples: bool = False,
        reads_parts: bool = False,
    ) -> None:
        self.registry = registry
        self.limits = Limits() if limits is None else limits
        self._always_allowed_containers = self.limits.get_containers(0)
        self._decoders = {
            dialect: ValueDecoder(registry, dialect, self.limits.depth) for dialect in Dialect
        }
        # What comes of a message must be writable for the same peer.
        self._message_decoders = {
            dialect: ValueDecoder(
                registry,
                dialect,
                self.limits.depth,
                reads_all_ints=dialect.is_native,
                reads_unknown_tuples=reads_unknown_tuples,
                reads_parts=reads_parts and dialect.is_native,
            )
            for dialect in Dialect
        }
        self._quick_encoding = QuickEncoding(registry)
        self._quick_decoding = QuickDecoding(registry)

    def encode_value(self, value: object, dialect: Dialect) -> Json:
        """Return what JSON can hold for a value.

        Raises:
            UnencodableValue: Something in the value cannot travel; the path says where.
        """
        return self._encode(value, ValueEncoder(self, dialect))

    def replace_stand_ins(self, value: Any) -> Any:
        """Return a filt or result without what is lazy, which is made now and by the caller.

        Raises:
            UnencodableValue: Something stands for what cannot travel.
        """
        return replace_stand_ins(value, self.registry)

    def decode_value(self, json: Json, dialect: Dialect, path: str = "$") -> Any:
        """Return the value that parsed JSON stands for.

        Args:
            json: What `read_json` gave.
            dialect: What the peer speaks.
            path: Where in the message ``json`` is, for the text of errors.

        Raises:
            WireError: It stands for none.
        """
        return self._decode(self._decoders[dialect], json, path, 0)

    def decode_part(self, json: Json, dialect: Dialect, path: str, depth: int = 0) -> Any:
        """Return the value of a part of a message, which can be sent back in the same dialect.

        Args:
            json: What `read_json` gave.
            dialect: What the peer speaks.
            path: Where in the message ``json`` is, for the text of errors.
            depth: In how many lists and objects it stands in the answer.

        Raises:
            WireError: It stands for none.
        """
        return self._decode(self._message_decoders[dialect], json, path, depth)

    def _decode(self, decoder: ValueDecoder, json: Json, path: str, depth: int) -> Any:
        try:
            return decoder.decode(json, depth)
        except WireError as error:
            raise _with_path(error, path) from error.__cause__
        except RecursionError:
            raise too_deep(self.limits.depth) from None

    def encode_json(self, value: Json, dialect: Dialect) -> bytes:
        """Return the ASCII JSON text of an encoded value."""
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
        """Encode a payload, once for all forms of messages.

        Args:
            payload: What to encode; its tuples are listed here, so a query runs now.
            dialect: What the peer speaks.
            date: The date of a payload that has none of its own.

        Raises:
            UnencodableValue: Something in the payload cannot travel; the path says where.
        """
        whole, tuples = payload, payload.tuples
        if tuples.__class__ is not list or payload.date is None:
            if not isinstance(tuples, list | tuple):
                tuples = list(tuples)  # may be readable only once
            whole = Payload(payload.filt, tuples, payload.date or date)
        if dialect is not Dialect.D0:
            quick = self._quick_encoding.encode(whole, ValueEncoder(self, dialect))
            if quick is not None:
                return quick
        encoder = ValueEncoder(self, dialect)
        encoded = self._encode(whole, encoder)
        more = b',"replyFilt":{},"result":null' if dialect is Dialect.D0 else b""
        folded = fold_rows(encoded["tuples"])
        return EncodedPayload(
            write_json(encoded["filt"]),
            write_json(folded if dialect.has_columns else encoded["tuples"]),
            write_json(encoded["date"]),
            more=more,
            portable=encoder.is_portable,
            is_lasting=encoder.is_lasting,
            is_tabular=len(folded) < len(encoded["tuples"]),
        )

    def encode_rows(self, tuples: Sequence[Any]) -> EncodedRows:
        """Encode each of some tuples by itself, as our own ends read it.

        Raises:
            UnencodableValue: Something in a tuple cannot travel; the path says where.
        """
        encoder = ValueEncoder(self, Dialect.NATIVE_1)
        return self._quick_encoding.encode_rows(tuples, encoder)

    def decode_rows(self, texts: Sequence[bytes]) -> list[Any]:
        """Return the tuples that were encoded each by itself.

        Raises:
            WireError: As for a payload of them.
        """
        rows = EncodedTuples({Dialect.NATIVE_1: b"[%b]" % b",".join(texts)})
        return list(rows.decode(self).tuples)

    def decode_payload(
        self, text: bytes | str, dialect: Dialect, *, is_foreign: bool = True
    ) -> Payload:
        """Return the payload that was encoded as ``text``.

        Args:
            text: Base64.
            dialect: What the peer speaks.
            is_foreign: Whether it may hold no more than is in proportion to its length.

        Raises:
            WireError: It is no payload, or beyond the limits.
        """
        arrived = len(text) if is_foreign else None
        json = inflate(text, *self.limits.get_inflated_bytes(arrived))
        return self.decode_inflated(json, dialect, arrived)

    def decode_inflated(self, json: bytes, dialect: Dialect, arrived: int | None = None) -> Payload:
        """Return the payload of its JSON.

        Args:
            json: What was inflated.
            dialect: What the peer speaks.
            arrived: Bytes of base64 that it was inflated from, if what it holds shall be in
                proportion to them.

        Raises:
            WireError: It is no payload, or beyond the limits.
        """
        if len(json) > self._always_allowed_containers:
            check_containers(json, self.limits.get_containers(arrived), arrived)
        payload = None
        if dialect is not Dialect.D0:
            decoder = self._message_decoders[dialect]
            payload = self._quick_decoding.decode(json, decoder, self.limits, arrived)
        if payload is None or len(payload.tuples) > self.limits.tuples:
            source = self.read_json(json)
            if dialect.has_columns and source.__class__ is dict and "tuples" in source:
                tuples = expand_columns(source["tuples"], self.limits, arrived)
                source = {**source, "tuples": tuples}
            return self.decode_payload_object(source, dialect)
        return payload

    def decode_payload_object(self, source: Json, dialect: Dialect) -> Payload:
        """Return the payload that parsed JSON stands for.

        Raises:
            WireError: It is no payload, or beyond the limits.
        """
        if source.__class__ is not dict:
            raise MalformedMessage("Message is no payload")
        may_lack_marker = dialect.has_short_payloads and "tuples" in source
        if source.get("_ct", "rp" if may_lack_marker else None) != "rp":
            raise MalformedMessage("Message is no payload")
        tuples = source.get("tuples")
        if tuples.__class__ is list and len(tuples) > self.limits.tuples:
            raise LimitExceeded(
                f"Payload of {len(tuples)} tuples exceeds max_tuples ({self.limits.tuples})"
            )
        payload: Payload = self.decode_part({"_ct": "rp", **source}, dialect, "$")
        return payload

    def compile(self, tuple_type: TupleType) -> None:
        """Make the plans of a type, which otherwise first use does.

        Raises:
            DefinitionError: It cannot be read or built, or has a column whose values cannot travel.
        """
        for field in tuple_type.fields if tuple_type.adapter.needs_fields else ():
            uncarried = None if field.raw else get_uncarried(field.type, self.registry)
            if uncarried is not None:
                raise DefinitionError(
                    f"{tuple_type.cls.__qualname__}.{field.name} holds {uncarried.__qualname__}, "
                    "which is neither a value nor a tuple type; leave it out"
                )
        self._quick_encoding.compile(tuple_type)
        self._decoders[Dialect.NATIVE].get_reader(tuple_type.name)
        self._quick_decoding.compile(tuple_type)

    def _encode(self, value: object, encoder: ValueEncoder) -> Json:
        try:
            return encoder.encode(value)
        except RecursionError:
            raise UnencodableValue("Cannot encode a value that contains itself") from None


def _with_path(error: WireError, path: str) -> WireError:
    """Return an error whose path begins where the whole value is."""
    whole = error.path if error.path == "$" else path + error.path
    return type(error)(error.text, whole, error.hint)
