"""A push on its way to other processes: the record of it, and the delivery made of that there."""

from django_vortex.routing.address import Address
from django_vortex.server.dates import to_datetime
from django_vortex.server.delivery import Delivery
from django_vortex.server.fan_out import Record
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope


def push_record(
    envelope: PayloadEnvelope, to: Address, date: int, coalesce: str | None, codec: Codec
) -> Record:
    """Give the record of a push for the other processes."""
    return {
        "kind": "push",
        "to": [to.uuid, to.name, None if to.user is None else str(to.user)],
        "envelope": envelope.to_record(codec, to_datetime(date)),
        "date": date,
        "coalesce": coalesce,
    }


def read_push_record(
    record: Record, process: str, sequence: int, codec: Codec
) -> tuple[Delivery, Address]:
    """Give the delivery of a push that came from another process, and whom it is for."""
    envelope = PayloadEnvelope.from_record(record["envelope"], codec)
    uuid, name, user = record["to"]
    delivery = Delivery(envelope, record["date"], process, sequence, record["coalesce"])
    return delivery, Address(uuid, name, user)
