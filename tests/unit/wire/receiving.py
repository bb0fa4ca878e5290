"""Messages as peers write them, and the events that a protocol makes of them."""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import (
    EnvelopeReceived,
    Event,
    FailureReceived,
    HeartbeatReceived,
)
from django_vortex.wire.limits import Limits
from django_vortex.wire.protocol import Protocol

DATE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LIMITS = Limits(message_bytes=4000, inflated_bytes=100_000, depth=8, tuples=50)
CODEC = Codec(limits=LIMITS)
FRAMED = [WireForm(dialect, framed=True) for dialect in Dialect]
BEAT = HeartbeatReceived()


def protocol(*, framed: bool = True, dialect: Dialect | None = None) -> Protocol:
    return Protocol(CODEC, framed=framed, dialect=dialect)


def receive(pieces: Iterable[str | bytes], **how: Any) -> list[Event]:
    reader = protocol(**how)
    return [event for piece in pieces for event in reader.receive(piece)] + reader.finish()


def envelopes(events: Iterable[Event]) -> list[PayloadEnvelope]:
    return [event.envelope for event in events if isinstance(event, EnvelopeReceived)]


def the_envelope(events: list[Event]) -> PayloadEnvelope:
    (envelope,) = envelopes(events)
    assert len(events) == 1, events
    return envelope


def the_failure(events: list[Event]) -> FailureReceived:
    (event,) = events
    assert isinstance(event, FailureReceived), events
    return event


def message(**fields: Any) -> str:
    return json.dumps({"_ct": "rpe", "filt": {"key": "k"}, "data": None, **fields})


def b64(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


def comparable(events: Iterable[Event]) -> list[object]:
    """Make events comparable; beats that arrive together are one, so one stands for many."""
    shown: list[object] = []
    for event in events:
        if isinstance(event, HeartbeatReceived):
            if not shown or shown[-1] != "beat":
                shown.append("beat")
        elif isinstance(event, FailureReceived):
            shown.append((type(event.error), str(event.error), event.filt, event.fatal))
        else:
            shown.append(repr(event.envelope))  # where one nan is as good as another
    return shown
