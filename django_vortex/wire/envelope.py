"""The envelope: what is routed, with a payload inside that only its reader opens.

Takes a payload to be sent or the encoded text of a received one, gives either in any dialect, and
keeps what was encoded, so that a broadcast is encoded once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django_vortex.exceptions import LimitExceeded, MalformedMessage, UnencodableValue
from django_vortex.typedefs import Filt
from django_vortex.wire.bodies import (
    Body,
    EncodedBody,
    EncodedTuples,
    InflatedBody,
    JsonBody,
)
from django_vortex.wire.columns import COLUMNS_HINT
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.encoded_payload import EncodedPayload
from django_vortex.wire.inflate import clean_base64, inflate
from django_vortex.wire.json_text import read_json, write_json
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import write_plain
from django_vortex.wire.ports import EncodesPayloads

UUID_KEY = "__vortexUuid__"
"""Key in the filt of an envelope that introduces its sender: the uuid."""

LIGHT_BYTES = 32_768
"""How long JSON may be that is inflated to see how much work it is."""

CONTAINER_WEIGHT = 32
"""How many bytes of JSON are as much work as making a list or an object."""

D0_WEIGHT = 8
"""The same per byte of a D0 payload, whose lists and objects are not counted."""

HEAVY = 65_536
"""The weight of payloads from here on: more work than an event loop can do at once."""

NAME_KEY = "__vortexName__"
"""Key in the filt of an envelope that introduces its sender: the name."""

VERSION_KEY = "__vortexVersion__"
"""The same, to our own ends only: the version of the native dialect that it speaks."""

LIMIT_KEY = "__vortexMaxBytes__"
"""The same, to our own ends only: how long a message to it may be."""

_INTRODUCING_KEYS = frozenset({UUID_KEY, NAME_KEY, VERSION_KEY, LIMIT_KEY})


class PayloadEnvelope:
    """A message: a filt to route it by, and a payload or a result or both.

    Change nothing after the first encoding; what was encoded is kept. `copy.copy` gives an
    envelope that has encoded nothing yet.

    Args:
        filt: What the message is about; endpoints are found by it.
        payload: The content; encoded when the envelope is first sent.
        result: None or True for success, otherwise what went wrong.
        date: When it was made; the server writes a date of its own over it.
        reply_filt: The filt that a D0 peer wants its answer under; mostly empty.
    """

    __slots__ = (
        *("__weakref__", "_body", "_encoded", "_inflated"),
        *("beside_size", "date", "filt", "reply_filt", "result", "size"),
    )

    __hash__ = None  # type: ignore[assignment]  # equal by value and mutable

    def __init__(
        self,
        filt: Filt | None = None,
        payload: Payload | None = None,
        *,
        result: Any = None,
        date: datetime | None = None,
        reply_filt: Filt | None = None,
    ) -> None:
        self.filt: Filt = {} if filt is None else filt
        self.result = result
        self.date = date
        self.reply_filt = reply_filt
        self._body: Body | None = payload
        self._inflated: bytes | None = None
        self._encoded: dict[Dialect, EncodedPayload] = {}
        self.size = 0
        """Bytes of the message that it came in, 0 if it came in none; about what it holds."""
        self.beside_size = 0
        """Bytes of those that came beside the encoded payload, and are decoded already."""

    @classmethod
    def received(
        cls,
        filt: Filt,
        body: EncodedBody | JsonBody | InflatedBody | None,
        *,
        result: Any = None,
        date: datetime | None = None,
        reply_filt: Filt | None = None,
    ) -> PayloadEnvelope:
        """Return an envelope whose payload is decoded when somebody asks for it."""
        envelope = cls(filt, result=result, date=date, reply_filt=reply_filt)
        envelope._body = body
        return envelope

    @classmethod
    def with_tuples(cls, filt: Filt, tuples: EncodedTuples) -> PayloadEnvelope:
        """Return an envelope whose tuples are encoded, and the rest of its payload is not."""
        envelope = cls(filt)
        envelope._body = tuples
        return envelope

    @classmethod
    def encoded_as(
        cls,
        payloads: dict[Dialect, EncodedPayload],
        filt: Filt,
        *,
        result: Any = None,
        date: datetime | None = None,
        reply_filt: Filt | None = None,
    ) -> PayloadEnvelope:
        """Return an envelope whose payload was encoded by this project, in another process.

        The payloads are by dialect, both versions of our own among them; none when there is none.
        """
        envelope = cls(filt, result=result, date=date, reply_filt=reply_filt)
        if payloads:
            envelope._encoded = payloads
            text = payloads[Dialect.NATIVE_1].text
            envelope._body = EncodedBody(text, Dialect.NATIVE_1, is_foreign=False)
        return envelope

    @property
    def answer_filt(self) -> Filt:
        """The filt of whatever answers it: the one its sender asked for, else its own.

        VortexPY 0.x leaves ``replyFilt`` empty unless its user sets it, and waits under the filt
        that it sent.
        """
        return self.reply_filt or self.filt

    @property
    def has_payload(self) -> bool:
        """Whether there is anything to decode."""
        return self._body is not None

    @property
    def received_size(self) -> int:
        """Characters of the payload that came encoded, 0 if it did not: the work of decoding it."""
        body = self._body
        if isinstance(body, EncodedBody):
            return len(body.text)
        return len(body.json) if isinstance(body, JsonBody) else 0

    def weigh(self) -> int:
        """Return how much work decoding the received payload is, `HEAVY` or more if it is much.

        A thousand zeros are one byte on the wire, so what is short there is inflated, and kept so
        for `decode_payload`.
        """
        body = self._body
        if not isinstance(body, EncodedBody):
            if isinstance(body, JsonBody):
                return _weigh_json(body.json)
            return D0_WEIGHT * self.size if isinstance(body, InflatedBody) else 0
        if len(body.text) > LIGHT_BYTES:
            return HEAVY
        if self._inflated is None:
            try:
                self._inflated = inflate(body.text, LIGHT_BYTES)
            except LimitExceeded:
                return HEAVY
            except MalformedMessage:
                return 0
        return _weigh_json(self._inflated)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing but who sent it; such a message is not routed (PROTOCOL 4.4)."""
        filt = self.filt
        says_nothing = not filt or (
            UUID_KEY in filt and NAME_KEY in filt and filt.keys() <= _INTRODUCING_KEYS
        )
        if not says_nothing or self.result:
            return False
        body = self._body
        return body is None or (isinstance(body, InflatedBody) and not body.source.get("tuples"))

    def decode_payload(self, codec: EncodesPayloads) -> Payload:
        """Return the payload, an empty one when there is none.

        Raises:
            WireError: What the peer sent as a payload is none.
        """
        body = self._body
        if body is None:
            return Payload()
        if isinstance(body, Payload):
            return body
        if isinstance(body, EncodedBody) and self._inflated is not None:
            return codec.decode_inflated(self._inflated, body.dialect, len(body.text))
        payload = body.decode(codec)
        if isinstance(body, JsonBody):
            if not payload.filt:
                payload.filt = dict(self.filt)
            if payload.date is None:
                payload.date = self.date
        return payload

    def encode(
        self, codec: EncodesPayloads, dialect: Dialect, date: datetime | None
    ) -> EncodedPayload | None:
        """Return the payload encoded for peers of a dialect, None when there is no payload.

        Args:
            codec: What encodes it, the first time.
            dialect: What the peers read.
            date: The payload's date unless it has one. Encoded once, so the first date stays.
        """
        if self._body is None:
            return None
        encoded = self._encoded.get(dialect)
        return self._encode(self._body, codec, dialect, date) if encoded is None else encoded

    def encoded(
        self, codec: EncodesPayloads, dialect: Dialect, date: datetime | None
    ) -> bytes | None:
        """Return the text that is the payload of a message, for D0 the JSON of the tuples."""
        encoded = self.encode(codec, dialect, date)
        if encoded is None:
            return None
        return encoded.tuples if dialect is Dialect.D0 else encoded.text

    def _encode(
        self, body: Body, codec: EncodesPayloads, dialect: Dialect, date: datetime | None
    ) -> EncodedPayload:
        if isinstance(body, Payload):
            payload = body
        elif isinstance(body, EncodedTuples):
            if dialect in body.by_dialect:
                return self._encode_around(body, codec, dialect, date)
            payload = self.decode_payload(codec)
        elif isinstance(body, InflatedBody) or not is_readable_as(body.dialect, dialect):
            payload = self.decode_payload(codec)
        else:
            passed_on = self._encoded[dialect] = _pass_on(body, codec)
            return passed_on
        if not isinstance(payload.tuples, list | tuple):
            payload.tuples = list(payload.tuples)  # an iterator can be read only once
        if dialect is Dialect.D0:
            return self._encode_tuples(payload.tuples, codec)
        whole = Payload(payload.filt or self.filt, payload.tuples, payload.date or date)
        encoded = codec.encode_payload(whole, dialect)
        # As text: equal values need not be the same, 1 is equal to True.
        encoded.says_filt = whole.filt is not self.filt and encoded.filt != write_plain(self.filt)
        encoded.says_date = payload.date is not None and payload.date is not self.date
        if dialect.has_pieces:
            encoded.prepare(framed=False, has_pieces=True)
        else:
            _ = encoded.text  # compressed here and now, where that may take long
            if encoded.is_tabular:  # peers who read JSON get columns
                encoded.keep_text_alone()
        for reader in find_readers(dialect, encoded):
            self._encoded[reader] = encoded
        if not encoded.is_lasting:  # all peers get the same, whoever encodes for them and when
            for other in Dialect:
                self.encode(codec, other, date)
        return encoded

    def _encode_around(
        self, body: EncodedTuples, codec: EncodesPayloads, dialect: Dialect, date: datetime | None
    ) -> EncodedPayload:
        """Put what belongs around them in a payload around encoded tuples."""
        tuples = body.by_dialect[dialect]
        if dialect is Dialect.D0:
            made = self._encoded[dialect] = EncodedPayload(b"", tuples, b"")
            return made
        filt = body.filt if dialect.is_native else b""
        is_same = bool(filt)
        if not filt:
            plain = write_plain(self.filt)
            is_same = plain is not None
            filt = plain or codec.encode_json(codec.encode_value(self.filt, dialect), dialect)
        dated = codec.encode_json(codec.encode_value(date, dialect), dialect)
        encoded = EncodedPayload(filt, tuples, dated)
        encoded.says_filt = encoded.says_date = False
        encoded.prepare(framed=False, has_pieces=dialect.has_pieces)
        for reader, others in body.by_dialect.items():
            # What is written alike is compressed once.
            if is_same and others is tuples and reader.is_native is dialect.is_native:
                self._encoded[reader] = encoded
        self._encoded[dialect] = encoded
        return encoded

    def _encode_tuples(self, tuples: Any, codec: EncodesPayloads) -> EncodedPayload:
        """Encode what D0 has in place of a payload."""
        try:
            encoded = codec.encode_value(tuples, Dialect.D0)
        except UnencodableValue as error:
            error.under(".tuples")
            raise
        json = codec.encode_json(encoded, Dialect.D0)
        made = self._encoded[Dialect.D0] = EncodedPayload(b"", json, b"")
        return made

    def encode_for_all(self, codec: EncodesPayloads, date: datetime | None) -> None:
        """Encode the payload now for all who may read it: this thread may read its tuples.

        What is lazy in filt and result becomes what it stands for.
        """
        self.filt = codec.replace_stand_ins(self.filt)
        self.result = codec.replace_stand_ins(self.result)
        if self._body is not None:
            for dialect in SHARED_TEXT:
                self.encode(codec, dialect, date)

    def held_bytes(self, dialect: Dialect) -> int:
        """Return how much encoded payload is kept for peers of a dialect."""
        encoded = self._encoded.get(dialect)
        return 0 if encoded is None else encoded.held_bytes

    def is_encoded_for(self, dialect: Dialect) -> bool:
        """Return whether nothing is left to encode for peers of a dialect."""
        return self._body is None or dialect in self._encoded

    def release_payload(self) -> None:
        """Keep of the payload only what was encoded of it, which is smaller than its objects.

        To be called once all have it in their dialect; whoever asks later gets it decoded again.
        """
        if self._encoded and isinstance(self._body, Payload):
            own = (one for one in (Dialect.NATIVE, Dialect.NATIVE_1) if one in self._encoded)
            dialect = next(own, next(iter(self._encoded)))
            if dialect is not Dialect.D0:
                encoded = self._encoded[dialect]
                self._body = (
                    EncodedBody(encoded.text, dialect, is_foreign=False)
                    if encoded.json is None or not dialect.has_short_payloads
                    else JsonBody(encoded.json, dialect, is_foreign=False)
                )

    def __copy__(self) -> PayloadEnvelope:
        copied = type(self)(
            self.filt, result=self.result, date=self.date, reply_filt=self.reply_filt
        )
        copied._body = self._body
        return copied

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PayloadEnvelope):
            return NotImplemented
        return (self.filt, self.result, self.date, self.reply_filt, self._body) == (
            (other.filt, other.result, other.date, other.reply_filt, other._body)
        )

    def __repr__(self) -> str:
        parts = [repr(self.filt)]
        for name, value in (
            ("payload", self._body),
            ("result", self.result),
            ("date", self.date),
            ("reply_filt", self.reply_filt),
        ):
            if value is not None:
                parts.append(f"{name}={value!r}")
        return f"PayloadEnvelope({', '.join(parts)})"


SHARED_TEXT = (Dialect.NATIVE, Dialect.NATIVE_1, Dialect.D2, Dialect.D1, Dialect.D1B)
"""The dialects whose encoded payload is the same when nothing in it is special."""

_SAME_TEXT = {
    **dict.fromkeys((Dialect.D2, Dialect.D1B), (Dialect.D2, Dialect.D1B)),
    **dict.fromkeys((Dialect.NATIVE, Dialect.NATIVE_1), (Dialect.NATIVE, Dialect.NATIVE_1)),
}
"""The dialects that are written alike even then."""


def find_readers(dialect: Dialect, encoded: EncodedPayload) -> tuple[Dialect, ...]:
    """Return the dialects that read a payload as it was encoded for one of them."""
    readers = SHARED_TEXT if encoded.portable else _SAME_TEXT.get(dialect, (dialect,))
    if not encoded.is_tabular:
        return readers
    return tuple(one for one in readers if one.has_columns is dialect.has_columns)


def is_readable_as(written: Dialect, read: Dialect) -> bool:
    """Whether peers of one dialect can open an encoded payload of another as it is."""
    if Dialect.D0 in (written, read):
        return False
    return written is read or read is Dialect.NATIVE or not written.is_native


def _weigh_json(json: bytes) -> int:
    containers = json.count(b"{") + json.count(b"[")
    if COLUMNS_HINT in json:  # where every value may be a tuple
        containers += json.count(b",")
    return len(json) + CONTAINER_WEIGHT * containers


def _pass_on(body: EncodedBody | JsonBody, codec: EncodesPayloads) -> EncodedPayload:
    """Return what a peer has encoded, with nothing in it that could end its place in a message."""
    if isinstance(body, EncodedBody):
        return EncodedPayload.of_text(clean_base64(body.text))
    if body.is_foreign:
        return EncodedPayload.of_json(write_json(read_json(body.json, codec.limits.depth)))
    return EncodedPayload.of_json(body.json)
