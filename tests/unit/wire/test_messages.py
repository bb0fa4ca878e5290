"""What goes to the transport."""

import base64
import json
import zlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.typedefs import Filt
from django_vortex.wire.bodies import InflatedBody
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import LIMIT_KEY, NAME_KEY, UUID_KEY, VERSION_KEY, PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import (
    HEARTBEAT,
    NOTHING_FILT,
    encode_message,
    heartbeat,
    server_info,
)
from django_vortex.wire.payload import Payload
from django_vortex.wire.pieces import PiecedText
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.versions import VERSION

DATE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LATER = DATE + timedelta(milliseconds=1)
WIRE_DATE = {"_ft": "datetime", "_fd": "2026-01-02 03:04:05.678901+0000"}
CODEC = Codec()
FORMS = [WireForm(dialect, framed) for dialect in Dialect for framed in (True, False)]
ENVELOPE_FORMS = [form for form in FORMS if form.dialect is not Dialect.D0]
RAW_FORMS = [form for form in FORMS if form.dialect.is_raw_json and not form.framed]
TEXT_FORMS = [form for form in ENVELOPE_FORMS if form.dialect is not Dialect.NATIVE]


def read(text: str, form: WireForm) -> dict[str, Any]:
    if form.framed:
        assert text.endswith(".")
        text = text[:-1]
    assert text.isascii()
    if form in RAW_FORMS:
        message: dict[str, Any] = json.loads(text)
        return message
    data = base64.b64decode(text, validate=True)
    return dict(json.loads(zlib.decompress(data) if form.dialect is Dialect.D0 else data))


def write(envelope: PayloadEnvelope, form: WireForm, date: datetime | None = DATE) -> Any:
    return read(encode_message(envelope, form, date, CODEC), form)


@pytest.mark.parametrize("form", ENVELOPE_FORMS, ids=str)
def test_envelope_has_the_fields_that_the_dialect_reads(form: WireForm) -> None:
    message = write(PayloadEnvelope({"key": "Zoë", "id": 5}, result="boom é"), form)
    field = "encodedPayload" if form.dialect is Dialect.D1 else "data"
    name = "vortex.PayloadEnvelope.PayloadEnvelope"
    assert message == {
        "_ct": "rpe",
        **({} if form.dialect is Dialect.NATIVE else {"_c": name}),
        "filt": {"key": "Zoë", "id": {"_ft": "int", "_fd": 5}},
        field: None,
        "result": "boom é",
        "date": WIRE_DATE,
    }


@pytest.mark.parametrize("form", TEXT_FORMS, ids=str)
def test_payload_travels_as_text_in_the_field_of_the_dialect(form: WireForm) -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x"]))
    message = write(envelope, form)
    text = message[form.dialect.payload_field]
    payload = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    assert payload["tuples"] == ["x"]
    assert payload["filt"] == message["filt"]


NATIVE_FORMS = [WireForm(Dialect.NATIVE, framed) for framed in (True, False)]


@pytest.mark.parametrize("form", NATIVE_FORMS, ids=str)
def test_short_payload_stands_in_the_envelope(form: WireForm) -> None:
    message = write(PayloadEnvelope({"key": "a"}, Payload(tuples=["x", Decimal("1.5")])), form)
    assert message["payload"] == {"tuples": ["x", {"_ft": "decimal", "_fd": "1.5"}]}
    assert "data" not in message


@pytest.mark.parametrize("form", NATIVE_FORMS, ids=str)
def test_short_payload_says_what_the_envelope_does_not(form: WireForm) -> None:
    payload = Payload({"key": "b"}, ["x"], DATE)
    message = write(PayloadEnvelope({"key": "a"}, payload), form, LATER)
    assert message["payload"] == {"tuples": ["x"], "filt": {"key": "b"}, "date": WIRE_DATE}


@pytest.mark.parametrize("form", NATIVE_FORMS, ids=str)
@pytest.mark.parametrize(("length", "is_short"), [(4096, True), (4097, False)])
def test_payload_is_short_up_to_a_length(form: WireForm, length: int, is_short: bool) -> None:
    text = "x" * (length - len('{"tuples":[""]}'))
    message = write(PayloadEnvelope({"key": "a"}, Payload(tuples=[text])), form)
    carrier = "payload" if is_short else "data" if form.framed else "pieces"
    assert message.keys() & {"payload", "data", "pieces"} == {carrier}
    if is_short:
        assert len(json.dumps(message["payload"], separators=(",", ":"))) == length


@pytest.mark.parametrize("form", NATIVE_FORMS, ids=str)
@pytest.mark.parametrize("tuples", [["x"], ["x" * 5000], [], [Decimal(1), {"a": (1,)}]])
def test_native_payload_is_read_with_the_filt_and_the_date_of_its_envelope(
    form: WireForm, tuples: list[Any]
) -> None:
    text = encode_message(PayloadEnvelope({"key": "a"}, Payload(tuples=tuples)), form, DATE, CODEC)
    protocol = Protocol(CODEC, framed=form.framed, dialect=form.dialect)
    events = protocol.receive(str(text))
    for piece in text.pieces() if isinstance(text, PiecedText) else ():
        events += protocol.receive(piece)
    (event,) = events
    assert isinstance(event, EnvelopeReceived)
    assert event.envelope.decode_payload(CODEC) == Payload({"key": "a"}, tuples, DATE)


@pytest.mark.parametrize("framed", [True, False])
def test_d0_peer_gets_everything_in_one_payload(framed: bool) -> None:
    envelope = PayloadEnvelope(
        {"key": "a"}, Payload(tuples=["x"]), result="boom", reply_filt={"r": "b"}
    )
    message = write(envelope, WireForm(Dialect.D0, framed))
    assert message == {
        "_ct": "rp",
        "_c": "vortex.Payload.Payload",
        "filt": {"key": "a"},
        "replyFilt": {"r": "b"},
        "tuples": ["x"],
        "result": "boom",
        "date": {"_ft": "datetime", "_fd": "2026-01-02 03:04:05.678901"},
    }


def test_messages_are_dotted_where_framed_and_nowhere_else() -> None:
    for form in FORMS:
        text = encode_message(PayloadEnvelope({"key": "a"}), form, DATE, CODEC)
        if form.framed:
            assert text.index(".") == len(text) - 1
        else:
            assert not text.endswith(".")


@pytest.mark.parametrize(
    "date",
    [DATE, DATE.astimezone(timezone(timedelta(hours=10))), DATE.replace(tzinfo=None)],
    ids=["utc", "elsewhere", "naive"],
)
def test_dates_are_written_in_utc(date: datetime) -> None:
    assert write(PayloadEnvelope({"key": "a"}), RAW_FORMS[0], date)["date"] == WIRE_DATE


def test_date_may_be_missing() -> None:
    assert write(PayloadEnvelope({"key": "a"}), RAW_FORMS[0], None)["date"] is None


class CountingCodec(Codec):
    """A codec that says how much was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.payloads = 0

    def encode_payload(self, *arguments: Any) -> Any:
        self.payloads += 1
        return super().encode_payload(*arguments)


def test_payload_of_a_broadcast_is_encoded_once_whatever_the_date() -> None:
    codec = CountingCodec()
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x"]))
    first = json.loads(encode_message(envelope, RAW_FORMS[0], DATE, codec))
    later = json.loads(encode_message(envelope, RAW_FORMS[0], LATER, codec))
    assert codec.payloads == 1
    assert later["date"]["_fd"] == "2026-01-02 03:04:05.679901+0000"
    assert {**later, "date": None} == {**first, "date": None}


def test_value_that_cannot_travel_is_the_programmers_mistake() -> None:
    with pytest.raises(DefinitionError):
        encode_message(PayloadEnvelope({"key": object()}), RAW_FORMS[0], DATE, CODEC)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_server_info_introduces_the_server_and_says_nothing_else(form: WireForm) -> None:
    message = read(server_info("u-1", "svr", form, DATE, CODEC), form)
    own = {VERSION_KEY: VERSION, LIMIT_KEY: CODEC.limits.message_bytes}
    told = own if form.dialect is Dialect.NATIVE else {}
    assert message["filt"] == {UUID_KEY: "u-1", NAME_KEY: "svr", **told}
    assert message["result"] is None
    assert message["date"]["_fd"].startswith("2026-01-02 03:04:05.678901")


@pytest.mark.parametrize("framed", [True, False])
def test_server_info_for_an_unknown_peer_has_both_fields_null(framed: bool) -> None:
    form = WireForm(Dialect.D1, framed)
    message = read(server_info("u-1", "svr", form, DATE, CODEC), form)
    assert message["data"] is None
    assert message["encodedPayload"] is None


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_heartbeat_is_a_dot_but_for_d0_a_message_to_nobody(form: WireForm) -> None:
    text = heartbeat(form, DATE, CODEC)
    if form.dialect is not Dialect.D0:
        assert text == HEARTBEAT
        return
    assert not text.startswith(".")
    beat = read(text, form)
    assert (beat["filt"], beat["tuples"], beat["result"]) == (NOTHING_FILT, [], None)


@pytest.mark.parametrize("filt", [{}, {UUID_KEY: "u", NAME_KEY: "n"}])
def test_nothing_but_the_info_is_an_empty_payload_to_a_d0_peer(filt: Filt) -> None:
    form = WireForm(Dialect.D0, framed=True)
    body = InflatedBody({"_ct": "rp", "tuples": []})
    message = read(encode_message(PayloadEnvelope.received(filt, body), form, DATE, CODEC), form)
    assert message["filt"] == NOTHING_FILT
