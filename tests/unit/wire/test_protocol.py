"""Bytes to events, whatever the peer speaks and however the transport cuts."""

import itertools
import json
import zlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import MalformedMessage, UnknownTupleType, WireError
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import (
    EnvelopeReceived,
    FailureReceived,
    HeartbeatReceived,
)
from django_vortex.wire.messages import encode_message, server_info
from django_vortex.wire.payload import Payload
from django_vortex.wire.protocol import Protocol
from tests.unit.wire.receiving import (
    BEAT,
    CODEC,
    DATE,
    FRAMED,
    b64,
    comparable,
    envelopes,
    message,
    protocol,
    receive,
    the_envelope,
    the_failure,
)


@pytest.mark.parametrize("form", FRAMED, ids=str)
def test_what_is_written_is_read_back(form: WireForm) -> None:
    sent = PayloadEnvelope({"key": "Zoë", "n": 5}, Payload(tuples=["x", 1.5]), result="boom")
    native = Dialect.NATIVE if form.dialect is Dialect.NATIVE else None
    text = encode_message(sent, form, DATE, CODEC)
    got = the_envelope(receive([text], dialect=native))
    assert (got.filt, got.result, got.date) == (sent.filt, "boom", DATE)
    payload = got.decode_payload(CODEC)
    assert (payload.filt, payload.tuples, payload.date) == (sent.filt, ["x", 1.5], DATE)


@pytest.mark.parametrize(
    ("text", "framed", "form"),
    [
        (message(), False, WireForm(Dialect.D2, False)),
        (b64(message()) + b".", True, WireForm(Dialect.D2, True)),
        (b64('{"_ct":"rpe","encodedPayload":null}') + b".", False, WireForm(Dialect.D1, False)),
        (b64(zlib.compress(b'{"_ct":"rp"}')) + b".", True, WireForm(Dialect.D0, True)),
        (b64('{"_ct":"rpe"}') + b".", True, WireForm(Dialect.D1, True)),
    ],
)
def test_peers_are_answered_in_the_form_of_their_first_message(
    text: str | bytes, framed: bool, form: WireForm
) -> None:
    reader = protocol(framed=framed)
    assert reader.dialect is None
    assert reader.form == WireForm(Dialect.D1, framed)
    reader.receive(text)
    assert reader.form == form


def test_a_dialect_once_learnt_stays() -> None:
    reader = protocol(framed=False)
    reader.receive(message())
    reader.receive(b64('{"_ct":"rpe","encodedPayload":null}') + b".")
    assert reader.dialect is Dialect.D2


def test_dialect_is_learnt_even_from_a_message_with_a_fault() -> None:
    reader = protocol(framed=False)
    assert isinstance(reader.receive(message(filt=5))[0], FailureReceived)
    assert reader.dialect is Dialect.D2


def test_heartbeats_teach_no_dialect() -> None:
    reader = protocol()
    assert reader.receive(".") == [BEAT]
    assert reader.dialect is None


def test_a_native_peer_is_read_exactly() -> None:
    form = WireForm(Dialect.NATIVE, framed=False)
    sent = PayloadEnvelope({"key": "k", 0: Decimal("1.50")}, Payload(tuples=[(1, 2)]))
    text = encode_message(sent, form, DATE, CODEC)
    got = the_envelope(receive([text], framed=False, dialect=Dialect.NATIVE))
    assert got.filt == sent.filt
    assert got.decode_payload(CODEC).tuples == [(1, 2)]


def test_d0_message_keeps_the_filt_its_answer_goes_to() -> None:
    fields = {"_ct": "rp", "filt": {"key": "a"}, "replyFilt": {"key": "b"}, "tuples": [7]}
    got = the_envelope(receive([b64(zlib.compress(json.dumps(fields).encode())) + b"."]))
    assert (got.filt, got.reply_filt) == ({"key": "a"}, {"key": "b"})
    assert got.decode_payload(CODEC).tuples == [7]
    assert not got.is_empty


@pytest.mark.parametrize("dialect", [one for one in Dialect if one is not Dialect.NATIVE])
def test_payload_in_the_envelope_is_nothing_to_peers_that_do_not_know_it(dialect: Dialect) -> None:
    protocol = Protocol(CODEC, framed=False, dialect=dialect)
    text = '{"_ct":"rpe","filt":{"key":"a"},"payload":{"tuples":[1]},"result":null,"date":null}'
    (event,) = protocol.receive(text)
    assert isinstance(event, EnvelopeReceived)
    assert not event.envelope.has_payload


@pytest.mark.parametrize(
    ("payload", "tuples"),
    [
        ('{"tuples":[1]}', [1]),
        ('{"_ct":"rp","tuples":["\\ud800"],"filt":{}}', ["\ud800"]),
        ('{"tuples":[1e999]}', [float("inf")]),
        ('{"tuples":[]}', []),
        ('{"_ct":"rp"}', []),
    ],
)
@pytest.mark.parametrize("result", ["null", "NaN"])
def test_payload_in_the_envelope_is_read_generously(
    payload: str, tuples: list[Any], result: str
) -> None:
    protocol = Protocol(CODEC, framed=False, dialect=Dialect.NATIVE)
    text = f'{{"_ct":"rpe","payload": {payload},"filt":{{"key":"a"}},"result":{result}}}'
    (event,) = protocol.receive(text)
    assert isinstance(event, EnvelopeReceived)
    assert event.envelope.decode_payload(CODEC) == Payload({"key": "a"}, tuples)


@pytest.mark.parametrize("payload", ["[]", "1", '"x"', "true"])
def test_what_is_no_object_is_no_payload(payload: str) -> None:
    protocol = Protocol(CODEC, framed=False, dialect=Dialect.NATIVE)
    (event,) = protocol.receive(f'{{"_ct":"rpe","filt":{{"key":"a"}},"payload":{payload}}}')
    assert isinstance(event, FailureReceived)
    assert event.error.path == "$.payload"
    assert event.filt == {"key": "a"}


def test_payload_that_cannot_be_decoded_fails_when_it_is_asked_for() -> None:
    protocol = Protocol(CODEC, framed=False, dialect=Dialect.NATIVE)
    text = '{"_ct":"rpe","filt":{"key":"a"},"payload":{"tuples":[{"_ct":"rt","_c":"no.Such"}]}}'
    (event,) = protocol.receive(text)
    assert isinstance(event, EnvelopeReceived)
    with pytest.raises(WireError) as caught:
        event.envelope.decode_payload(CODEC)
    assert caught.value.path == "$.tuples[0]"


def test_server_info_is_an_empty_envelope_for_every_peer() -> None:
    for form in FRAMED:
        got = the_envelope(receive([server_info("u", "n", form, DATE, CODEC)]))
        assert got.is_empty
        own = {"__vortexVersion__": 2, "__vortexMaxBytes__": CODEC.limits.message_bytes}
        told = own if form.dialect is Dialect.NATIVE else {}
        assert got.filt == {"__vortexUuid__": "u", "__vortexName__": "n", **told}


@pytest.mark.parametrize("fields", [{"filt": None}, {"filt": {}}])
def test_missing_filt_is_an_empty_one(fields: dict[str, Any]) -> None:
    assert the_envelope(receive([message(**fields)], framed=False)).filt == {}


def test_unknown_fields_are_left_alone() -> None:
    got = the_envelope(receive([message(decode_payload="x", whatever=1)], framed=False))
    assert got.decode_payload(CODEC) == Payload()


def test_payload_is_not_opened() -> None:
    got = the_envelope(receive([message(data="junk")], framed=False))
    with pytest.raises(MalformedMessage):
        got.decode_payload(CODEC)


@pytest.mark.parametrize(
    ("fields", "error", "path", "filt"),
    [
        ({"filt": 5}, MalformedMessage, "$.filt", None),
        ({"filt": {"a": {"_ct": "rt", "_c": "no.Such"}}}, UnknownTupleType, "$.filt.a", None),
        ({"data": 5}, MalformedMessage, "$.data", {"key": "k"}),
        ({"date": "soon"}, MalformedMessage, "$.date", {"key": "k"}),
        ({"date": {"_ft": "datetime", "_fd": "x"}}, MalformedMessage, "$.date", {"key": "k"}),
        ({"result": {"_ct": "gen"}}, MalformedMessage, "$.result", {"key": "k"}),
    ],
)
def test_failure_says_where_and_repeats_the_filt_if_it_was_read(
    fields: dict[str, Any], error: type[WireError], path: str, filt: Any
) -> None:
    reader = protocol(framed=False)
    failure = the_failure(reader.receive(message(**fields)))
    assert type(failure.error) is error
    assert failure.error.path == path
    assert failure.filt == filt
    assert not failure.fatal
    assert envelopes(reader.receive(message()))


def test_d0_reply_filt_must_be_an_object() -> None:
    text = json.dumps({"_ct": "rp", "filt": {"key": "a"}, "replyFilt": "b"})
    failure = the_failure(receive([b64(zlib.compress(text.encode())) + b"."]))
    assert failure.error.path == "$.replyFilt"


def test_client_reads_frames_without_dots() -> None:
    reader = Protocol(CODEC, framed=False, whole_frames=True)
    info = server_info("u", "n", WireForm(Dialect.D1, framed=False), DATE, CODEC)
    assert envelopes(reader.receive(info))
    assert reader.receive(".") == [BEAT]


@st.composite
def framed_streams(draw: st.DrawFn) -> bytes:
    """A stream of messages in any dialect with beats, white space and junk between them."""
    values = st.none() | st.booleans() | st.text(max_size=5) | st.floats(allow_nan=False)
    parts: list[bytes] = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["message", "message", "beat", "space", "junk", "long"]))
        if kind == "message":
            envelope = PayloadEnvelope(
                draw(st.dictionaries(st.text(max_size=5), values, max_size=3)),
                draw(st.none() | st.lists(values, max_size=3).map(lambda t: Payload(tuples=t))),
                result=draw(values),
            )
            form = draw(st.sampled_from(FRAMED))
            parts.append(encode_message(envelope, form, DATE, CODEC).encode())
        else:
            junk = st.binary(max_size=8).map(lambda data: data.replace(b"{", b"") + b".")
            chosen = {"beat": b".", "space": b"\r\n", "long": b"A" * 4001 + b"."}
            parts.append(chosen[kind] if kind in chosen else draw(junk))
    return b"".join(parts)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(borders)]


places = st.lists(st.integers(0, 100_000), max_size=8)


@given(framed_streams(), places, st.booleans())
def test_any_cut_of_a_stream_gives_the_same_events(
    stream: bytes, where: list[int], framed: bool
) -> None:
    whole = comparable(receive([stream], framed=framed))
    assert comparable(receive(cut(stream, where), framed=framed)) == whole


@given(framed_streams(), places, st.booleans())
def test_text_frames_and_binary_frames_say_the_same(
    stream: bytes, where: list[int], framed: bool
) -> None:
    ascii_stream = bytes(byte for byte in stream if byte < 128)
    pieces = cut(ascii_stream, where)
    as_text = receive([piece.decode("ascii") for piece in pieces], framed=framed)
    assert comparable(as_text) == comparable(receive(pieces, framed=framed))


@given(framed_streams().map(lambda stream: stream.replace(b".", b"")), st.integers(1, 3))
def test_dot_may_come_in_a_later_frame(piece: bytes, dots: int) -> None:
    assert comparable(receive([piece, *["."] * dots], framed=False)) == comparable(
        receive([piece + b"." * dots], framed=False)
    )


@given(
    st.lists(st.binary(max_size=30) | st.text(max_size=30), max_size=5),
    st.booleans(),
    st.sampled_from([None, *Dialect]),
)
def test_random_input_never_raises(
    pieces: list[str | bytes], framed: bool, dialect: Dialect | None
) -> None:
    for event in receive(pieces, framed=framed, dialect=dialect):
        assert isinstance(event, HeartbeatReceived | FailureReceived)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["rt", "rp", "rpe", "gen", "int", "datetime", "bytes", "null", "", "map"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_ct", "_c", "_ft", "_fd", "filt", "tuples", "date", "5", "a", ""]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


fields = st.dictionaries(
    st.sampled_from(["filt", "data", "encodedPayload", "result", "date", "tuples", "replyFilt"]),
    json_values,
)


@given(fields, st.sampled_from(["rpe", "rp"]), st.sampled_from([None, *Dialect]))
def test_well_formed_nonsense_gives_wire_errors_and_nothing_else(
    content: dict[str, Any], kind: str, dialect: Dialect | None
) -> None:
    data = json.dumps({"_ct": kind, **content}).encode()
    piece = b64(data if kind == "rpe" else zlib.compress(data)) + b"."
    for event in receive([piece], dialect=dialect):
        if isinstance(event, EnvelopeReceived):
            try:
                event.envelope.decode_payload(CODEC)
            except WireError as error:
                assert str(error).isprintable()
        else:
            assert isinstance(event, FailureReceived)


@given(st.binary(max_size=60), st.sampled_from(list(Dialect)))
def test_any_bytes_as_a_payload_give_wire_errors_and_nothing_else(
    data: bytes, dialect: Dialect
) -> None:
    for text in (b64(data), b64(zlib.compress(data))):
        got = the_envelope(receive([message(data=text.decode())], framed=False, dialect=dialect))
        try:
            got.decode_payload(CODEC)
        except WireError as error:
            assert error.text
