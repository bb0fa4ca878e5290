"""Pushes on their way to other processes."""

from datetime import UTC, datetime

from django_vortex.routing.address import Address
from django_vortex.server.delivery import Delivery
from django_vortex.server.pushes import push_record, read_push_record
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

CODEC = Codec()
DATE = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
MILLISECONDS = int(DATE.timestamp() * 1000)


def make_envelope() -> PayloadEnvelope:
    return PayloadEnvelope({"key": "a"}, Payload(tuples=["x"]))


def test_push_arrives_with_its_address_and_the_date_in_its_payload() -> None:
    record = push_record(make_envelope(), Address(name="desk"), MILLISECONDS, "same", CODEC)
    delivery, to = read_push_record(record, "process", 7, CODEC)
    assert to == Address(name="desk")
    assert (delivery.source, delivery.sequence, delivery.coalesce) == ("process", 7, "same")
    assert delivery.date == MILLISECONDS
    payload = delivery.envelope.decode_payload(CODEC)
    assert (payload.tuples, payload.date) == (["x"], DATE)


def test_delivery_that_moves_keeps_the_date_in_its_payload() -> None:
    record = Delivery(make_envelope(), MILLISECONDS).to_record(CODEC)
    moved = Delivery.from_record(record, CODEC)
    assert moved.envelope.decode_payload(CODEC).date == DATE
