"""Envelopes on their way to other processes: their records, in types that msgpack can carry.

Takes an envelope, gives its record with the payload encoded for all dialects but D0, so that nobody
has to open it there; and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django_vortex.wire.dialects import Dialect
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
        "texts": _encode_texts(envelope, codec),
    }
    if envelope.reply_filt is not None:
        record["reply_filt"] = _encode_native(envelope.reply_filt, codec)
    return record


def decode_record(record: Mapping[str, Any], codec: EncodesPayloads) -> PayloadEnvelope:
    """Return the envelope of a record that `encode_record` made."""
    reply_filt, date = record.get("reply_filt"), record["date"]
    return PayloadEnvelope.encoded_as(
        {
            Dialect(name): text
            for names, text in record["texts"].items()
            for name in names.split(" ")
        },
        _decode_native(record["filt"], codec),
        result=_decode_native(record["result"], codec),
        date=None if date is None else datetime.fromisoformat(date),
        reply_filt=None if reply_filt is None else _decode_native(reply_filt, codec),
    )


def _encode_texts(envelope: PayloadEnvelope, codec: EncodesPayloads) -> dict[str, bytes]:
    """Return each text once, under the names of the dialects that read it."""
    names: dict[bytes, list[str]] = {}
    for dialect in SHARED_TEXT:
        text = envelope.encoded(codec, dialect, None)
        if text is not None:
            names.setdefault(text, []).append(dialect.value)
    return {" ".join(readers): text for text, readers in names.items()}


def _encode_native(value: Any, codec: EncodesPayloads) -> bytes:
    return codec.encode_json(codec.encode_value(value, Dialect.NATIVE), Dialect.NATIVE)


def _decode_native(text: bytes, codec: EncodesPayloads) -> Any:
    return codec.decode_value(read_json(text, codec.limits.depth), Dialect.NATIVE)
