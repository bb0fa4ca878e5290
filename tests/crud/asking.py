"""Asking as a peer of its own program: records by name on the wire, no class of the server's.

So a test can send what the test kit's typed tuples cannot: some fields only, unknown ones, values
of a wrong type. And it sees everything that came back, decoded here or not.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from zlib import compress, decompress

from django_vortex.testing import AsyncPeer, Received
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.codec import Codec
from django_vortex.wire.columns import expand_columns
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.json_text import read_json, write_json
from django_vortex.wire.messages import encode_message
from django_vortex.wire.reserved import MESSAGE_ID

CODEC = Codec(TupleRegistry())
"""A codec that knows no tuple type of the server."""

_numbers = count(1)


class Record:
    """A tuple as it is on the wire: the name of its type, and the fields that are there."""

    def __init__(self, type_name: str, /, **fields: Any) -> None:
        self.type_name = type_name
        self.fields = fields

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.type_name, self.fields) == (
            other.type_name,
            other.fields,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.type_name}({', '.join(f'{k}={v!r}' for k, v in self.fields.items())})"


@dataclass
class Reply:
    """One envelope that came back.

    Attributes:
        text: The JSON of the envelope and of its payload, for looking for what may not be there.
    """

    filt: dict[Any, Any]
    result: Any
    tuples: list[Any]
    text: str = field(repr=False)

    @property
    def is_success(self) -> bool:
        return self.result is None or self.result is True

    @property
    def error(self) -> str:
        """The readable text of a failure."""
        assert not self.is_success, self
        if isinstance(self.result, dict):
            has_parts = set(self.result) - {"error", "text", "ref"}
            return str(self.result) if has_parts else str(self.result["text"])
        assert isinstance(self.result, str)
        return self.result


class Asker:
    """A connected peer that sends and receives records.

    Args:
        peer: Of `django_vortex.testing.connect`.
        dialect: What that was told to speak.
    """

    def __init__(self, peer: AsyncPeer, dialect: Dialect = Dialect.NATIVE) -> None:
        self.peer = peer
        self._form = WireForm(dialect, framed=dialect is Dialect.D0)  # spoken over HTTP alone

    async def ask(self, filt: dict[Any, Any], tuples: list[Any] | None = None) -> Reply:
        """Return the answer to a request; fails unless there is exactly one."""
        marked = {**filt, MESSAGE_ID: f"m{next(_numbers)}"}
        [reply] = await self.send(marked, tuples)
        assert repr(reply.filt) == repr(marked)  # NaN is not equal to itself
        del reply.filt[MESSAGE_ID]
        return reply

    async def save(self, filt: dict[Any, Any], tuples: list[Any]) -> Reply:
        """Return the answer to a request, and leave what is pushed meanwhile unread."""
        marked = {**filt, MESSAGE_ID: f"m{next(_numbers)}"}
        self.peer._get_connection().receive(self._write(marked, tuples))
        return self._read(await self.peer.receive({MESSAGE_ID: marked[MESSAGE_ID]}))

    async def receive(self, filt: dict[Any, Any]) -> Reply:
        """Wait for a push under just this filt."""
        others = []
        while (received := await self.peer.receive(filt)).filt != filt:
            others.append(received)
        self.peer.unread[:0] = others
        return self._read(received)

    async def send(self, filt: dict[Any, Any], tuples: list[Any] | None = None) -> list[Reply]:
        """Send a request, wait until all of it is done, and give all that came meanwhile."""
        connection = self.peer._get_connection()
        before = set(connection.requests.tasks)
        connection.receive(self._write(filt, tuples))
        for task in set(connection.requests.tasks) - before:
            await task
        return self.take()

    def take(self) -> list[Reply]:
        """Return what came and was not looked at."""
        replies = [self._read(received) for received in self.peer.unread]
        self.peer.unread.clear()
        return replies

    def _write(self, filt: dict[Any, Any], tuples: list[Any] | None) -> str:
        dialect = self._form.dialect
        body = None
        if tuples is not None:
            payload = {
                "_ct": "rp",
                "_c": "vortex.Payload.Payload",
                "filt": CODEC.encode_value(filt, dialect),
                "tuples": [_encode(item, dialect) for item in tuples],
                "date": None,
            }
            if dialect is Dialect.D0:  # which has no envelope around it
                payload |= {"replyFilt": {}, "result": None}
            text = b64encode(compress(write_json(payload))).decode()
            if dialect is Dialect.D0:
                return f"{text}."
            body = EncodedBody(text, dialect)
        envelope = PayloadEnvelope.received(filt, body)
        message = encode_message(envelope, self._form, datetime.now(UTC), CODEC)
        return message if dialect.is_raw_json or self._form.framed else f"{message}."

    def _read(self, received: Received) -> Reply:
        envelope, dialect = received.envelope, self._form.dialect
        if dialect is Dialect.D0:  # whose payload is the message, and decoded by now
            inflated = envelope.encoded(self.peer._codec, dialect, None) or b"[]"
            items: Any = read_json(inflated, 64)
        else:
            encoded = envelope.encoded(CODEC, dialect, None)
            inflated = b"" if encoded is None else decompress(b64decode(encoded))
            items = [] if encoded is None else read_json(inflated, 64)["tuples"]
            items = expand_columns(items, CODEC.limits, None)
        tuples = [_decode(item, dialect) for item in items]
        text = f"{envelope.filt} {envelope.result} {inflated.decode()}"
        return Reply(dict(envelope.filt), envelope.result, tuples, text)


def _encode(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, Record):
        fields = {name: _encode(item, dialect) for name, item in value.fields.items()}
        return {"_ct": "rt", "_c": value.type_name, **fields}
    if isinstance(value, list):
        return [_encode(item, dialect) for item in value]
    return CODEC.encode_value(value, dialect)


def _decode(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, dict) and value.get("_ct") == "rt":
        fields = {name: _decode(item, dialect) for name, item in value.items() if name[0] != "_"}
        return Record(value["_c"], **fields)
    if isinstance(value, list):
        return [_decode(item, dialect) for item in value]
    return CODEC.decode_value(value, dialect)
