"""The envelope: what is routed, with a payload inside that only its reader opens.

Takes a payload to be sent or the encoded text of a received one, gives either in any dialect, and
keeps what was encoded, so that a broadcast is encoded once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django_vortex.exceptions import LimitExceeded, MalformedMessage, UnencodableValue
from django_vortex.typedefs import Filt, Json
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.inflate import clean_base64, inflate
from django_vortex.wire.json_text import count_containers
from django_vortex.wire.payload import Payload
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


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """The encoded payload of a received envelope."""

    text: str | bytes
    dialect: Dialect
    is_foreign: bool = field(default=True, repr=False, compare=False)
    """Whether it may hold no more than is in proportion to its length."""

    def decode(self, codec: EncodesPayloads) -> Payload:
        """Open it; raises `WireError`."""
        return codec.decode_payload(self.text, self.dialect, is_foreign=self.is_foreign)


@dataclass(frozen=True, slots=True)
class InflatedBody:
    """A D0 payload: inflated already, since the filt is inside, but its tuples are still JSON."""

    source: Json

    def decode(self, codec: EncodesPayloads) -> Payload:
        """Decode the values; raises `WireError`."""
        return codec.decode_payload_object(self.source, Dialect.D0)


Body: TypeAlias = Payload | EncodedBody | InflatedBody
"""What can be inside an envelope."""


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
        *("_body", "_inflated", "_texts"),
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
        self._texts: dict[Dialect, bytes] = {}
        self.size = 0
        """Bytes of the message that it came in, 0 if it came in none; about what it holds."""
        self.beside_size = 0
        """Bytes of those that came beside the encoded payload, and are decoded already."""

    @classmethod
    def received(
        cls,
        filt: Filt,
        body: EncodedBody | InflatedBody | None,
        *,
        result: Any = None,
        date: datetime | None = None,
        reply_filt: Filt | None = None,
    ) -> PayloadEnvelope:
        """Give an envelope whose payload is decoded when somebody asks for it."""
        envelope = cls(filt, result=result, date=date, reply_filt=reply_filt)
        envelope._body = body
        return envelope

    @classmethod
    def encoded_as(
        cls,
        texts: dict[Dialect, bytes],
        filt: Filt,
        *,
        result: Any = None,
        date: datetime | None = None,
        reply_filt: Filt | None = None,
    ) -> PayloadEnvelope:
        """Return an envelope whose payload was encoded by this project, in another process.

        The texts are by dialect, our own among them; none when there is no payload.
        """
        envelope = cls(filt, result=result, date=date, reply_filt=reply_filt)
        if texts:
            envelope._texts = texts
            envelope._body = EncodedBody(texts[Dialect.NATIVE], Dialect.NATIVE, is_foreign=False)
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
        return len(self._body.text) if isinstance(self._body, EncodedBody) else 0

    def weigh(self) -> int:
        """Return how much work decoding the received payload is, `HEAVY` or more if it is much.

        A thousand zeros are one byte on the wire, so what is short there is inflated, and kept so
        for `decode_payload`.
        """
        body = self._body
        if isinstance(body, InflatedBody):
            return D0_WEIGHT * self.size
        if not isinstance(body, EncodedBody):
            return 0
        if len(body.text) > LIGHT_BYTES:
            return HEAVY
        if self._inflated is None:
            try:
                self._inflated = inflate(body.text, LIGHT_BYTES)
            except LimitExceeded:
                return HEAVY
            except MalformedMessage:
                return 0
        return len(self._inflated) + CONTAINER_WEIGHT * count_containers(self._inflated)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing but who sent it; such a message is not routed (PROTOCOL 4.4)."""
        filt = self.filt
        says_nothing = not filt or (len(filt) == 2 and UUID_KEY in filt and NAME_KEY in filt)
        if not says_nothing or self.result:
            return False
        body = self._body
        return body is None or (isinstance(body, InflatedBody) and not body.source.get("tuples"))

    def decode_payload(self, codec: EncodesPayloads) -> Payload:
        """Give the payload, an empty one when there is none.

        Raises:
            WireError: What the peer sent as a payload is none.
        """
        body = self._body
        if body is None:
            return Payload()
        if self._inflated is not None and isinstance(body, EncodedBody):
            return codec.decode_inflated(self._inflated, body.dialect, len(body.text))
        return body if isinstance(body, Payload) else body.decode(codec)

    def encoded(
        self, codec: EncodesPayloads, dialect: Dialect, date: datetime | None
    ) -> bytes | None:
        """Give the encoded payload for peers of a dialect, None when there is no payload.

        Args:
            codec: What encodes it, the first time.
            dialect: For D0, which has no encoded payload, the JSON of the tuples is given.
            date: The payload's date unless it has one. Encoded once, so the first date stays.
        """
        if self._body is None:
            return None
        text = self._texts.get(dialect)
        return self._encode(self._body, codec, dialect, date) if text is None else text

    def _encode(
        self, body: Body, codec: EncodesPayloads, dialect: Dialect, date: datetime | None
    ) -> bytes:
        if isinstance(body, EncodedBody) and is_readable_as(body.dialect, dialect):
            text = clean_base64(body.text)
            self._texts[dialect] = text
            return text
        payload = body if isinstance(body, Payload) else body.decode(codec)
        if not isinstance(payload.tuples, list | tuple):
            payload.tuples = list(payload.tuples)  # an iterator can be read only once
        if dialect is Dialect.D0:
            return self._encode_tuples(payload.tuples, codec)
        whole = Payload(payload.filt or self.filt, payload.tuples, payload.date or date)
        encoded = codec.encode_payload(whole, dialect)
        readers = SHARED_TEXT if encoded.portable else _SAME_TEXT.get(dialect, (dialect,))
        self._texts.update(dict.fromkeys(readers, encoded.text))
        if not encoded.is_lasting:  # all peers get the same, whoever encodes for them and when
            for other in Dialect:
                self.encoded(codec, other, date)
        return encoded.text

    def _encode_tuples(self, tuples: Any, codec: EncodesPayloads) -> bytes:
        """Encode what D0 has in place of a payload."""
        try:
            encoded = codec.encode_value(tuples, Dialect.D0)
        except UnencodableValue as error:
            error.under(".tuples")
            raise
        text = self._texts[Dialect.D0] = codec.encode_json(encoded, Dialect.D0)
        return text

    def encode_for_all(self, codec: EncodesPayloads, date: datetime | None) -> None:
        """Encode the payload now for all who may read it: this thread may read its tuples.

        What is lazy in filt and result becomes what it stands for.
        """
        self.filt = codec.settle(self.filt)
        self.result = codec.settle(self.result)
        if self._body is not None:
            for dialect in SHARED_TEXT:
                self.encoded(codec, dialect, date)

    @property
    def held_bytes(self) -> int:
        """How much encoded payload is kept, in all dialects."""
        return sum(map(len, {id(text): text for text in self._texts.values()}.values()))

    def is_encoded_for(self, dialect: Dialect) -> bool:
        """Say whether nothing is left to encode for peers of a dialect."""
        return self._body is None or dialect in self._texts

    def release_payload(self) -> None:
        """Keep of the payload only what was encoded of it, which is smaller than its objects.

        To be called once all have it in their dialect; whoever asks later gets it decoded again.
        """
        if self._texts and isinstance(self._body, Payload):
            dialect = Dialect.NATIVE if Dialect.NATIVE in self._texts else next(iter(self._texts))
            if dialect is not Dialect.D0:
                self._body = EncodedBody(self._texts[dialect], dialect, is_foreign=False)

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


SHARED_TEXT = (Dialect.NATIVE, Dialect.D2, Dialect.D1, Dialect.D1B)
"""The dialects whose encoded payload is the same text when nothing in it is special."""

_SAME_TEXT = dict.fromkeys((Dialect.D2, Dialect.D1B), (Dialect.D2, Dialect.D1B))
"""The dialects that are written alike even then."""


def is_readable_as(written: Dialect, read: Dialect) -> bool:
    """Whether peers of one dialect can open an encoded payload of another as it is."""
    if Dialect.D0 in (written, read):
        return False
    return written is read or written is not Dialect.NATIVE
