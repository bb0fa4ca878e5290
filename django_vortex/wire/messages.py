"""Whole messages: envelope to the text that a transport sends (PROTOCOL 5.2 and 6).

Takes an envelope and the form of a connection, gives ASCII text. `reading` is the other direction.
"""

from __future__ import annotations

from binascii import b2a_base64
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django_vortex.exceptions import UnencodableValue
from django_vortex.tuples.scalars import datetime_text
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.encoded_payload import EncodedPayload
from django_vortex.wire.envelope import (
    LIMIT_KEY,
    NAME_KEY,
    UUID_KEY,
    VERSION_KEY,
    PayloadEnvelope,
)
from django_vortex.wire.inflate import deflate
from django_vortex.wire.json_text import write_json
from django_vortex.wire.opening import SESSION_KEY
from django_vortex.wire.pieces import PiecedText
from django_vortex.wire.plain import write_date, write_plain
from django_vortex.wire.versions import VERSION

HEARTBEAT = "."
"""The heart-beat of all dialects but D0, on every transport."""

NOTHING_FILT = {"key": "vortex.nothing"}
"""The filt of a D0 message that says nothing; no endpoint is for it."""

_NAMED_HEAD = b'{"_ct":"rpe","_c":"vortex.PayloadEnvelope.PayloadEnvelope","filt":'
_SHORT_HEAD = b'{"_ct":"rpe","filt":'
_TAIL = b',"result":%b,"date":%b}'
_ENVELOPES = {
    dialect: (_SHORT_HEAD if dialect is Dialect.NATIVE else _NAMED_HEAD) + b"%b,%b" + _TAIL
    for dialect in Dialect
}
"""The class of an envelope is named to those alone who may read it."""

_PAYLOAD_HEADS = {dialect: f'"{dialect.payload_field}":'.encode() for dialect in Dialect}
_D0_HEAD = b'{"_ct":"rp","_c":"vortex.Payload.Payload","filt":'
_DATE_WITHOUT_ZONE = b'{"_ft":"datetime","_fd":"%b"}'
_DATE_CHARACTERS = len("2024-01-02 03:04:05.678901")


def encode_message(
    envelope: PayloadEnvelope, form: WireForm, date: datetime | None, codec: Codec
) -> str:
    """Return the text of a message, ready for the transport.

    That of a longer payload in our own dialect is a `PiecedText` where there are binary frames.

    Args:
        envelope: What is sent. Its filt goes into the payload, too, unless that has its own.
        form: What the peer reads.
        date: The date to write; released browsers drop what has none.
        codec: Encodes filt, result and payload.

    Raises:
        UnencodableValue: Something in it cannot travel.
    """
    dialect = form.dialect
    if dialect is Dialect.D0:
        filt = NOTHING_FILT if envelope.is_empty else envelope.filt
        return _write_d0(filt, envelope, form, date, codec)
    result = envelope.result
    payload = envelope.encode(codec, dialect, date)
    if payload is not None and payload.filt and not payload.says_filt:
        filt_json = payload.filt
    else:
        filt_json = _encode(envelope.filt, dialect, codec, "filt")
    result_json = b"null" if result is None else _encode(result, dialect, codec, "result")
    if payload is None:
        body = _PAYLOAD_HEADS[dialect] + b"null"
    elif dialect.has_short_payloads and (short := payload.short) is not None:
        body = b'"payload":' + short
    elif dialect.has_pieces and _is_pieced(payload, form, codec.limits.pieced_bytes):
        head = b"%b%b," % (_SHORT_HEAD, filt_json)
        tail = _TAIL % (result_json, _write_date(date))
        return PiecedText(head.decode("ascii"), payload, tail.decode("ascii"))
    else:
        body = _PAYLOAD_HEADS[dialect] + b'"%b"' % payload.text
    return _write_envelope(filt_json, body, result_json, date, form)


def server_info(
    uuid: str,
    name: str,
    form: WireForm,
    date: datetime,
    codec: Codec,
    session: dict[str, Any] | None = None,
) -> str:
    """Return the message that introduces the server, the first one on every connection.

    Where the peer is not known to read raw JSON it is in the form that all but D0 read: base64
    with both payload fields null (PROTOCOL 2.4).

    Args:
        uuid: Of the server.
        name: Its vortex name.
        form: What the peer reads.
        date: The date to write.
        codec: Writes it.
        session: What is said of the session of a peer of our own dialect.
    """
    filt: Filt = {UUID_KEY: uuid, NAME_KEY: name}
    if form.dialect is Dialect.NATIVE:
        filt[VERSION_KEY] = VERSION
        filt[LIMIT_KEY] = codec.limits.message_bytes
        if session is not None:
            filt[SESSION_KEY] = session
    if form.dialect is Dialect.D0:
        return _write_d0(filt, PayloadEnvelope(), form, date, codec)
    field = b'"data":null'
    if form.framed or not form.dialect.is_raw_json:
        form = WireForm(Dialect.D1, form.framed)
        field = b'"data":null,"encodedPayload":null'
    return _write_envelope(write_json(filt), field, b"null", date, form)


def heartbeat(form: WireForm, date: datetime, codec: Codec) -> str:
    """Return the heart-beat for peers of a form.

    A dot alone stalls D0 peers for ever (PROTOCOL 2.4), and at an empty payload they stop reading
    what has come until more comes: they get a message to nobody.
    """
    if form.dialect is Dialect.D0:
        return _write_d0(NOTHING_FILT, PayloadEnvelope(), form, date, codec)
    return HEARTBEAT


def _is_pieced(payload: EncodedPayload, form: WireForm, pieced_bytes: int) -> bool:
    if form.framed:
        return False
    return payload.fits_pieces and len(payload.json or b"") <= pieced_bytes


def _write_envelope(
    filt: bytes, payload: bytes, result: bytes, date: datetime | None, form: WireForm
) -> str:
    json = _ENVELOPES[form.dialect] % (filt, payload, result, _write_date(date))
    if form.framed:
        return b2a_base64(json, newline=False).decode("ascii") + "."
    if form.dialect.is_raw_json:
        return json.decode("ascii")
    return b2a_base64(json, newline=False).decode("ascii")


def _write_d0(
    filt: Filt, envelope: PayloadEnvelope, form: WireForm, date: datetime | None, codec: Codec
) -> str:
    """Return the whole of an envelope as one D0 payload, under a given filt."""
    json = b'%b%b,"replyFilt":%b,"tuples":%b,"result":%b,"date":%b}' % (
        _D0_HEAD,
        _encode(filt, Dialect.D0, codec, "filt"),
        _encode(envelope.reply_filt or {}, Dialect.D0, codec, "replyFilt"),
        envelope.encoded(codec, Dialect.D0, date) or b"[]",
        _encode(envelope.result, Dialect.D0, codec, "result"),
        _write_date_without_zone(date),
    )
    text = deflate(json).decode("ascii")
    return text + "." if form.framed else text


def _encode(value: object, dialect: Dialect, codec: Codec, name: str) -> bytes:
    text = write_plain(value)
    if text is not None:
        return text
    try:
        return codec.encode_json(codec.encode_value(value, dialect), dialect)
    except UnencodableValue as error:
        error.under(f".{name}")
        raise


def _write_date(date: datetime | None) -> bytes:
    if date is None:
        return b"null"
    return _write_utc(date if date.tzinfo is UTC else _to_utc(date))


_write_utc = lru_cache(maxsize=64)(write_date)
"""Of dates in UTC alone; under load many messages share theirs."""


def _write_date_without_zone(date: datetime | None) -> bytes:
    if date is None:
        return b"null"
    return _DATE_WITHOUT_ZONE % datetime_text(_to_utc(date))[:_DATE_CHARACTERS].encode("ascii")


def _to_utc(date: datetime) -> datetime:
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
