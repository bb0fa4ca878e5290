"""The envelope: its payload in any dialect, its way between processes."""

import base64
import copy
import json
import zlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from django_vortex.exceptions import MalformedMessage
from django_vortex.wire.bodies import EncodedBody, InflatedBody
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import (
    HEAVY,
    NAME_KEY,
    UUID_KEY,
    PayloadEnvelope,
    is_readable_as,
)
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload
from django_vortex.wire.records import decode_record, encode_record

DATE = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
LATER = DATE + timedelta(seconds=1)
CODEC = Codec()


def d0_body(tuples: Any) -> InflatedBody:
    return InflatedBody({"_ct": "rp", "filt": {}, "tuples": tuples, "date": None})


def opened(text: bytes | None) -> dict[str, Any]:
    assert text is not None
    payload: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(text)))
    return payload


def encoded(envelope: PayloadEnvelope, dialect: Dialect = Dialect.D2) -> dict[str, Any]:
    return opened(envelope.encoded(CODEC, dialect, DATE))


def test_filt_is_written_into_the_payload_too() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x"]))
    assert encoded(envelope)["filt"] == {"key": "a"}


def test_payload_with_a_filt_of_its_own_keeps_it() -> None:
    envelope = PayloadEnvelope({"key": "a", "id": "7"}, Payload({"key": "a"}, ["x"]))
    assert encoded(envelope)["filt"] == {"key": "a"}


def test_payload_without_a_date_gets_the_one_of_its_first_encoding() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x"]))
    first = envelope.encoded(CODEC, Dialect.D2, DATE)
    assert opened(first)["date"]["_fd"] == "2026-01-02 03:04:05.678000+0000"
    assert envelope.encoded(CODEC, Dialect.D2, LATER) == first


def test_payload_keeps_its_own_date() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x"], date=LATER))
    assert encoded(envelope)["date"]["_fd"] == "2026-01-02 03:04:06.678000+0000"


def test_portable_payload_is_encoded_once_for_all_dialects_but_d0() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x", 1]))
    texts = {
        id(envelope.encoded(CODEC, dialect, DATE))
        for dialect in Dialect
        if dialect is not Dialect.D0
    }
    assert len(texts) == 1


def test_payload_with_special_values_is_written_for_each_dialect() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=[Decimal("1.10"), float("nan")]))
    old, native = encoded(envelope, Dialect.D1), encoded(envelope, Dialect.NATIVE)
    assert old["tuples"] == [1.1, None]
    assert native["tuples"] != old["tuples"]
    back = CODEC.decode_payload(
        envelope.encoded(CODEC, Dialect.NATIVE, DATE) or b"", Dialect.NATIVE
    )
    assert str(back.tuples[0]) == "1.10"


@pytest.mark.parametrize(
    ("outer", "inner"),
    [(1, True), (Decimal("sNaN"), Decimal("sNaN")), (Decimal("1.0"), Decimal("1.00"))],
)
def test_short_payload_says_a_filt_that_is_only_equal_to_that_of_the_envelope(
    outer: Any, inner: Any
) -> None:
    envelope = PayloadEnvelope({"key": outer}, Payload({"key": inner}, ["x"]))
    payload = envelope.encode(CODEC, Dialect.NATIVE, DATE)
    assert payload is not None
    assert payload.short is not None
    written = json.loads(payload.short)["filt"]["key"]
    assert written == CODEC.encode_value(inner, Dialect.NATIVE)


def test_iterator_of_tuples_is_read_once_and_serves_every_dialect() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=iter([float("inf"), "x"])))
    assert encoded(envelope, Dialect.D1)["tuples"] == [None, "x"]
    assert encoded(envelope, Dialect.D2)["tuples"] == [float("inf"), "x"]


def test_d0_gets_the_json_of_the_tuples_alone() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x", datetime(2024, 1, 2)]))
    text = envelope.encoded(CODEC, Dialect.D0, DATE)
    assert json.loads(text or b"") == [
        "x",
        {"_ft": "datetime", "_fd": "2024-01-02 00:00:00.000000"},
    ]


def test_received_payload_is_passed_on_as_it_came() -> None:
    text = base64.b64encode(zlib.compress(b'{"_ct":"rp","filt":{},"tuples":[7],"date":null}'))
    envelope = PayloadEnvelope.received({"key": "a"}, EncodedBody(text.decode(), Dialect.D1))
    assert envelope.encoded(CODEC, Dialect.D2, DATE) == text
    assert envelope.encoded(CODEC, Dialect.NATIVE, DATE) == text
    assert envelope.encoded(CODEC, Dialect.D0, DATE) == b'[{"_ft":"int","_fd":7}]'


def test_native_payload_is_rewritten_for_an_old_peer() -> None:
    native = PayloadEnvelope({"key": "a"}, Payload(tuples=[Decimal("2.5")])).encoded(
        CODEC, Dialect.NATIVE, DATE
    )
    envelope = PayloadEnvelope.received({}, EncodedBody(native or b"", Dialect.NATIVE))
    assert encoded(envelope, Dialect.D2)["tuples"] == [2.5]


@pytest.mark.parametrize("written", Dialect)
@pytest.mark.parametrize("read", Dialect)
def test_only_a_native_payload_is_unreadable_for_others(written: Dialect, read: Dialect) -> None:
    expected = Dialect.D0 not in (written, read) and (
        written is read or read is Dialect.NATIVE or not written.is_native
    )
    assert is_readable_as(written, read) is expected


def test_envelope_without_payload_has_an_empty_one_to_decode() -> None:
    envelope = PayloadEnvelope({"key": "a"})
    assert not envelope.has_payload
    assert envelope.decode_payload(CODEC) == Payload()
    assert envelope.encoded(CODEC, Dialect.D2, DATE) is None


def test_payload_given_is_the_payload_decoded() -> None:
    payload = Payload({"key": "a"}, ["x"])
    envelope = PayloadEnvelope({"key": "a"}, payload)
    assert envelope.has_payload
    assert envelope.decode_payload(CODEC) is payload


def test_received_payload_is_decoded_when_asked_and_not_before() -> None:
    envelope = PayloadEnvelope.received({"key": "a"}, EncodedBody("junk", Dialect.D2))
    assert envelope.has_payload
    with pytest.raises(MalformedMessage):
        envelope.decode_payload(CODEC)


def test_size_tells_how_much_came_encoded() -> None:
    assert PayloadEnvelope.received({}, EncodedBody("junk", Dialect.D2)).received_size == 4
    assert PayloadEnvelope(payload=Payload(tuples=["x"])).received_size == 0
    assert PayloadEnvelope().received_size == 0


def test_d0_tuples_that_are_no_list_are_refused() -> None:
    envelope = PayloadEnvelope.received({"key": "a"}, d0_body({"a": 1}))
    with pytest.raises(MalformedMessage) as caught:
        envelope.decode_payload(CODEC)
    assert caught.value.path == "$.tuples"


BOTH = {UUID_KEY: "u", NAME_KEY: "n"}


@pytest.mark.parametrize(
    ("envelope", "is_empty"),
    [
        (PayloadEnvelope(), True),
        (PayloadEnvelope(dict(BOTH)), True),
        (PayloadEnvelope({UUID_KEY: "u"}), False),
        (PayloadEnvelope({**BOTH, "key": "k"}), False),
        (PayloadEnvelope({"key": "k"}), False),
        (PayloadEnvelope(result="boom"), False),
        (PayloadEnvelope(result=""), True),
        (PayloadEnvelope(payload=Payload()), False),
        (PayloadEnvelope.received({}, d0_body([])), True),
        (PayloadEnvelope.received({}, d0_body(["x"])), False),
    ],
)
def test_envelope_is_empty_when_it_says_no_more_than_who_sent_it(
    envelope: PayloadEnvelope, is_empty: bool
) -> None:
    assert envelope.is_empty is is_empty


def through_the_layer(envelope: PayloadEnvelope) -> PayloadEnvelope:
    packed = msgspec.msgpack.encode(encode_record(envelope, CODEC, DATE))
    return decode_record(msgspec.msgpack.decode(packed), CODEC)


@pytest.mark.parametrize("tuples", [["x", 5], [Decimal("1.5"), float("nan")], []])
@pytest.mark.parametrize("dialect", Dialect)
def test_every_dialect_is_the_same_in_another_process(tuples: list[Any], dialect: Dialect) -> None:
    envelope = PayloadEnvelope({"key": "a", 5: (1, 2)}, Payload(tuples=tuples), date=DATE)
    arrived = through_the_layer(envelope)
    if dialect is Dialect.NATIVE:
        here, there = (one.encode(CODEC, dialect, DATE) for one in (envelope, arrived))
        assert here is not None
        assert there is not None
        assert here.short == there.short is not None
    else:
        assert arrived.encoded(CODEC, dialect, LATER) == envelope.encoded(CODEC, dialect, DATE)


def test_record_carries_all_but_the_payload_exactly() -> None:
    moment = datetime(2026, 5, 6, tzinfo=timezone(timedelta(hours=10)))
    envelope = PayloadEnvelope(
        {"key": "a", 0: Decimal("1.50")}, result="boom", date=moment, reply_filt={"b": (1,)}
    )
    arrived = through_the_layer(envelope)
    assert arrived == envelope
    assert arrived.date is not None
    assert arrived.date.utcoffset() == timedelta(hours=10)
    assert not arrived.has_payload


def test_record_of_a_portable_payload_holds_one_text() -> None:
    portable = encode_record(PayloadEnvelope({"key": "a"}, Payload(tuples=["x"])), CODEC)
    special = encode_record(PayloadEnvelope({"key": "a"}, Payload(tuples=[float("nan")])), CODEC)
    assert len(portable["texts"]) == 1
    assert len(special["texts"]) == 3


def test_undated_payload_crosses_with_the_date_of_the_record() -> None:
    arrived = through_the_layer(PayloadEnvelope({"key": "a"}, Payload(tuples=["x"])))
    assert arrived.decode_payload(CODEC).date == DATE
    assert arrived.date is None


def test_released_payload_is_still_there_for_every_dialect() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x", 1.5]))
    text = envelope.encoded(CODEC, Dialect.D2, DATE)
    assert text is not None
    assert envelope.held_bytes(Dialect.NATIVE) >= len(text)
    envelope.release_payload()
    assert envelope.encoded(CODEC, Dialect.NATIVE, LATER) == text
    assert envelope.encoded(CODEC, Dialect.D0, LATER) == b'["x",1.5]'
    assert envelope.decode_payload(CODEC) == Payload({"key": "a"}, ["x", 1.5], DATE)


def test_released_payload_keeps_what_only_our_own_dialect_carries() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=[Decimal("1.50")]))
    for dialect in (Dialect.D2, Dialect.NATIVE):
        envelope.encoded(CODEC, dialect, DATE)
    envelope.release_payload()
    assert str(envelope.decode_payload(CODEC).tuples[0]) == "1.50"
    assert encoded(envelope, Dialect.D1)["tuples"] == [1.5]


@pytest.mark.parametrize("dialect", [None, Dialect.D0])
def test_payload_that_is_not_encoded_as_a_whole_is_not_released(dialect: Dialect | None) -> None:
    payload = Payload(tuples=["x"])
    envelope = PayloadEnvelope({"key": "a"}, payload)
    if dialect is not None:
        envelope.encoded(CODEC, dialect, DATE)
    envelope.release_payload()
    assert envelope.decode_payload(CODEC) is payload


def test_copy_starts_anew_so_another_filt_is_written() -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x"]))
    assert encoded(envelope)["filt"] == {"key": "a"}
    copied = copy.copy(envelope)
    copied.filt = {"key": "b"}
    assert encoded(copied)["filt"] == {"key": "b"}
    assert envelope.filt == {"key": "a"}


def test_envelopes_are_equal_by_content() -> None:
    def make(**changes: Any) -> PayloadEnvelope:
        content = {"result": True, "date": DATE, "reply_filt": {"r": 1}, **changes}
        return PayloadEnvelope({"key": "a"}, Payload(tuples=["x"]), **content)

    assert make() == make()
    for changes in ({"result": None}, {"date": LATER}, {"reply_filt": None}):
        assert make() != make(**changes)
    assert make() != "something else"
    assert PayloadEnvelope({"key": "a"}) != PayloadEnvelope({"key": "a"}, Payload())


def test_repr_shows_what_is_there() -> None:
    assert repr(PayloadEnvelope({"key": "a"})) == "PayloadEnvelope({'key': 'a'})"
    assert repr(PayloadEnvelope(result="boom")) == "PayloadEnvelope({}, result='boom')"


@pytest.mark.parametrize("written", [Dialect.D1, Dialect.D2, Dialect.NATIVE])
def test_sender_of_a_payload_can_not_write_the_rest_of_the_message_it_is_relayed_in(
    written: Dialect,
) -> None:
    text = CODEC.encode_payload(Payload(tuples=["x"]), written).text.decode()
    forged = EncodedBody(text + '","filt":{"key":"forged"},"aaa":"', written)
    envelope = PayloadEnvelope.received({"key": "true"}, forged)
    message = encode_message(envelope, WireForm(Dialect.NATIVE, False), DATE, CODEC)
    relayed = json.loads(message)
    assert relayed["filt"] == {"key": "true"}
    assert CODEC.decode_payload(relayed["data"], Dialect.NATIVE).tuples == ["x"]


def test_relayed_payload_may_have_held_characters_that_are_ignored() -> None:
    text = CODEC.encode_payload(Payload(tuples=["x"]), Dialect.D2).text.decode()
    envelope = PayloadEnvelope.received({"key": "x"}, EncodedBody(f" é{text}\n", Dialect.D2))
    assert envelope.encoded(CODEC, Dialect.D1, DATE) == text.encode()


@pytest.mark.parametrize("size", [10, 600, 1_000_000])
@pytest.mark.parametrize("dialect", [Dialect.D2, Dialect.NATIVE])
def test_work_of_decoding_is_told_by_the_json_and_not_by_what_is_left_of_it(
    size: int, dialect: Dialect
) -> None:
    text = CODEC.encode_payload(Payload(tuples=["x" * size]), dialect).text
    envelope = PayloadEnvelope.received({}, EncodedBody(text, dialect))
    assert (envelope.weigh() >= HEAVY) is (size == 1_000_000)
    assert envelope.decode_payload(CODEC).tuples == ["x" * size]


def test_payload_that_can_not_be_decoded_takes_no_time() -> None:
    for junk in ("!" * 1000, "AAAA" * 200):
        envelope = PayloadEnvelope.received({}, EncodedBody(junk, Dialect.D2))
        assert envelope.weigh() == 0
    assert PayloadEnvelope(payload=Payload(tuples=["x" * 100_000])).weigh() == 0


def test_lists_are_more_work_than_their_json_is_long() -> None:
    weights = [
        PayloadEnvelope.received(
            {},
            EncodedBody(CODEC.encode_payload(Payload(tuples=tuples), Dialect.D2).text, Dialect.D2),
        ).weigh()
        for tuples in (["ab"] * 3000, [[]] * 3000)
    ]
    assert weights[0] < HEAVY <= weights[1]
