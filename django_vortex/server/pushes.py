"""Write pushes as records for other processes, and read them there."""

import json
from typing import Final

from django_vortex.routing.address import Address
from django_vortex.server.dates import to_datetime
from django_vortex.server.delivery import Delivery
from django_vortex.server.fan_out import Record
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.records import decode_record, encode_record

PUSH: Final = "push"
"""The kind of a record for all peers that fit."""

PUSH_TO_READERS: Final = "push_to_readers"
"""The kind of a record for those that may read from a handler, whom it names."""


def push_record(
    envelope: PayloadEnvelope, to: Address, date: int, coalesce: str | None, codec: Codec
) -> Record:
    """Return the record of a push for the other processes."""
    handler = None if to.handler is None else codec.encode_value(to.handler, Dialect.NATIVE)
    return {
        "kind": PUSH if handler is None else PUSH_TO_READERS,
        "to": [to.uuid, to.name, None if to.user is None else str(to.user)],
        "handler": json.dumps(handler),
        "is_each": to.is_each,
        "envelope": encode_record(envelope, codec, to_datetime(date)),
        "date": date,
        "coalesce": coalesce,
    }


def read_push_record(
    record: Record, process: str, sequence: int, codec: Codec
) -> tuple[Delivery, Address]:
    """Return the delivery of a push that came from another process, and whom it is for."""
    envelope = decode_record(record["envelope"], codec)
    uuid, name, user = record["to"]
    handler = None
    if record["kind"] == PUSH_TO_READERS:
        handler = codec.decode_value(json.loads(record["handler"]), Dialect.NATIVE)
    delivery = Delivery(envelope, record["date"], process, sequence, record["coalesce"])
    return delivery, Address(uuid, name, user, handler, bool(record.get("is_each")))
