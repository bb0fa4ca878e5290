"""What is sent in every measurement: about 1 kB as a push, a few hundred bytes as a request."""

import base64
import random
from datetime import UTC, datetime
from typing import Final

from django_vortex import Payload, PayloadEnvelope, Tuple, TupleField, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.protocol import Protocol

ECHO_FILT: Final = {"key": "bench.echo"}
NOTICE_FILT: Final = {"key": "bench.notice"}
ORDERS_KEY: Final = "bench.orders"

_MESSAGE_ID: Final = "f2f0a2d3-6c55-4b7e-9a43-0d6f2a1c8e11"
_INCOMPRESSIBLE_BYTES: Final = 470
"""Random bytes in a notice; with the two encodings and the envelope they are 1 kB on the wire."""


@tuple_type("bench.Reading")
class Reading(Tuple):
    """A small record."""

    id = TupleField(int)
    name = TupleField(str)
    value = TupleField(float)


def make_notice() -> PayloadEnvelope:
    """Return a new envelope, not encoded yet, that is 1 kB on the wire."""
    return PayloadEnvelope(NOTICE_FILT, Payload(NOTICE_FILT, tuples=[_NOTICE]))


def encode_request(dialect: Dialect) -> str:
    """Return the request for an echo of one small tuple."""
    envelope = PayloadEnvelope(
        ECHO_FILT | {"PayloadResponse.messageId": _MESSAGE_ID},
        Payload(tuples=[Reading(id=7, name="boiler", value=71.5)]),
    )
    return encode_message(envelope, WireForm(dialect, False), datetime.now(UTC), Codec())


def encode_identity(uuid: str, name: str) -> str:
    """Return what a released client says first; a D2 peer is known by it."""
    envelope = PayloadEnvelope({"__vortexUuid__": uuid, "__vortexName__": name})
    return encode_message(envelope, WireForm(Dialect.D2, False), datetime.now(UTC), Codec())


def check_reply(text: bytes, dialect: Dialect) -> None:
    """Make sure that ``text`` is the echo of `encode_request`.

    Raises:
        RuntimeError: It is something else, so that not what should be was measured.
    """
    codec = Codec()
    (event,) = Protocol(codec, framed=False, dialect=dialect).receive(text.decode())
    if not isinstance(event, EnvelopeReceived) or event.envelope.result is not None:
        raise RuntimeError(f"Expected a good reply, got {text!r}")
    (reading,) = event.envelope.decode_payload(codec).tuples
    if reading != Reading(id=7, name="boiler", value=71.5):
        raise RuntimeError(f"Expected the reading back, got {reading!r}")


_NOTICE: Final = base64.b85encode(random.Random(1).randbytes(_INCOMPRESSIBLE_BYTES)).decode()
