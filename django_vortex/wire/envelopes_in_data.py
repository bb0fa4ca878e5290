"""Envelopes that are carried as values, inside the data of another.

Takes an envelope, gives its ``rpe`` object; for D0, which has no envelopes, that of its payload.
"""

from __future__ import annotations

from django_vortex.exceptions import MalformedMessage
from django_vortex.typedefs import Json
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.ports import EncodesValues

ENVELOPE_CLASS = "vortex.PayloadEnvelope.PayloadEnvelope"
"""The ``_c`` of envelopes; it tells VortexPY from VortexJS, which writes none."""


def encode_envelope(encoder: EncodesValues, value: PayloadEnvelope, depth: int) -> Json:
    """Return the ``rpe`` object of an envelope inside data.

    D0 has no envelopes, its payload stands there instead. In our own form the payload stands
    inside as it is, so that what comes back is equal. What a peer sent stays closed: opening
    it here would make a thousand bytes of one.
    """
    encoder.is_portable = False
    depth = encoder.descend(value, depth)
    if encoder.dialect is Dialect.D0:
        if value.received_size:
            raise MalformedMessage("D0 has no envelopes, and this one came closed")
        payload = value.decode_payload(encoder.codec)
        return encoder.encode_payload(Payload(value.filt, payload.tuples, value.date), depth)
    encoded: dict[str, Json] = {
        "_ct": "rpe",
        "_c": ENVELOPE_CLASS,
        "filt": encoder.encode_member("filt", value.filt, depth),
        encoder.dialect.payload_field: None,
        "result": encoder.encode_member("result", value.result, depth),
        "date": encoder.encode(value.date, depth),
    }
    if value.has_payload and encoder.is_native and not value.received_size:
        payload = value.decode_payload(encoder.codec)
        encoded["payload"] = encoder.encode_payload(payload, depth)
    elif value.has_payload:
        text = value.encoded(encoder.codec, encoder.dialect, value.date)
        encoded[encoder.dialect.payload_field] = None if text is None else text.decode("ascii")
    if value.reply_filt is not None and encoder.is_native:
        encoded["replyFilt"] = encoder.encode(value.reply_filt, depth)
    return encoded
