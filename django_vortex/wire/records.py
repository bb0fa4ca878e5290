"""Envelopes on their way to other processes: their records, in types that msgpack can carry.

Takes an envelope, gives its record with the payload encoded for all dialects but D0, so that nobody
has to open it there; and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django_vortex.wire.dialects import Dialect
from django_vortex.wire.encoded_payload import EncodedPayload
from django_vortex.wire.envelope import SHARED_TEXT, PayloadEnvelope
from django_vortex.wire.json_text import read_json
from django_vortex.wire.ports import EncodesPayloads


def encode_record(
    envelope: PayloadEnvelope, codec: EncodesPayloads, date: datetime | None = None
) -> dict[str, Any]:
    """Return the record of an envelope.

    Args:
        envelope: What goes to the other processes of the server.
        codec: What encodes.
        date: The payload's date, unless it has one or is encoded already.
    """
    if envelope.has_payload:
        envelope.encode_for_all(codec, date or envelope.date)
    record = {
        "filt": _encode_native(envelope.filt, codec),
        "result": _encode_native(envelope.result, codec),
        "date": None if envelope.date is None else envelope.date.isoformat(),
        **_encode_payload(envelope, codec),
    }
    if envelope.reply_filt is not None:
        record["reply_filt"] = _encode_native(envelope.reply_filt, codec)
    return record


def decode_record(record: Mapping[str, Any], codec: EncodesPayloads) -> PayloadEnvelope:
    """Return the envelope of a record that `encode_record` made."""
    reply_filt, date = record.get("reply_filt"), record["date"]
    return PayloadEnvelope.encoded_as(
        _decode_payloads(record),
        _decode_native(record["filt"], codec),
        result=_decode_native(record["result"], codec),
        date=None if date is None else datetime.fromisoformat(date),
        reply_filt=None if reply_filt is None else _decode_native(reply_filt, codec),
    )


def _encode_payload(envelope: PayloadEnvelope, codec: EncodesPayloads) -> dict[str, Any]:
    """Return each text once, under the names of the dialects that read it.

    What our own ends of today read stands for itself, since processes of the version before know
    neither its dialect nor its form: short JSON, or a text where columns make it another one.
    """
    names: dict[bytes, list[str]] = {}
    for dialect in SHARED_TEXT:
        text = None if dialect is Dialect.NATIVE else envelope.encoded(codec, dialect, None)
        if text is not None:
            names.setdefault(text, []).append(dialect.value)
    record: dict[str, Any] = {"texts": {" ".join(readers): text for text, readers in names.items()}}
    own = envelope.encode(codec, Dialect.NATIVE, None)
    if own is not None and (own.short is not None or own.text not in names):
        record["own"] = own.short or own.text
    return record


def _decode_payloads(record: Mapping[str, Any]) -> dict[Dialect, EncodedPayload]:
    payloads: dict[Dialect, EncodedPayload] = {}
    for names, text in record["texts"].items():
        payload = EncodedPayload.of_text(text)
        payloads |= {Dialect(name): payload for name in names.split(" ")}
    own = record.get("own")
    if own is not None:
        is_json = own.startswith(b"{")
        payloads[Dialect.NATIVE] = (
            EncodedPayload.of_json(own) if is_json else EncodedPayload.of_text(own)
        )
    elif payloads:
        payloads[Dialect.NATIVE] = payloads[Dialect.NATIVE_1]
    return payloads


def _encode_native(value: Any, codec: EncodesPayloads) -> bytes:
    return codec.encode_json(codec.encode_value(value, Dialect.NATIVE), Dialect.NATIVE)


def _decode_native(text: bytes, codec: EncodesPayloads) -> Any:
    return codec.decode_value(read_json(text, codec.limits.depth), Dialect.NATIVE)
