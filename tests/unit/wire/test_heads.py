"""What is known of a message that can not be read to its end."""

import base64
import itertools
import json
import os
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived, FailureReceived
from django_vortex.wire.framing import HEAD_BYTES
from django_vortex.wire.heads import MAX_FIELDS, read_head
from django_vortex.wire.limits import D0_CONTAINERS, Limits
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload
from django_vortex.wire.protocol import Protocol

LIMITS = Limits(message_bytes=4000, inflated_bytes=200_000, depth=8, tuples=50)
CODEC = Codec(limits=LIMITS)
WAITING = {"key": "k", "PayloadResponse.messageId": "m1", "n": 5}
NOISE = base64.b64encode(os.urandom(6000)).decode()
"""What no compression makes shorter than the limit."""

FORMS = [
    WireForm(dialect, framed)
    for dialect in Dialect
    for framed in (True, False)
    if framed or dialect is not Dialect.D0
]


def failures(reader: Protocol, *parts: str | bytes) -> list[FailureReceived]:
    events = [event for part in parts for event in reader.receive(part)] + reader.finish()
    return [event for event in events if isinstance(event, FailureReceived)]


def d0(**fields: Any) -> str:
    text = json.dumps({"_ct": "rp", "filt": {}, "replyFilt": {}, **fields}).encode()
    return base64.b64encode(zlib.compress(text)).decode() + "."


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("is_known", [True, False])
def test_too_long_message_is_answered_under_its_filt(form: WireForm, is_known: bool) -> None:
    sent = PayloadEnvelope(dict(WAITING), Payload(tuples=[NOISE]))
    end = "" if form.framed or form.dialect.is_raw_json else "."
    text = encode_message(sent, form, None, CODEC) + end
    dialect = form.dialect if is_known or form.dialect.is_native else None
    reader = Protocol(CODEC, framed=form.framed, dialect=dialect)
    (failure,) = failures(reader, text)
    assert str(failure.error) == "Message exceeds max_message_bytes (4000)"
    assert failure.filt == WAITING
    like_d2 = WireForm(Dialect.D1B, framed=True)  # but for payloads that are wrapped like bytes
    assert reader.dialect is (Dialect.D2 if form == like_d2 and not is_known else form.dialect)
    after = encode_message(PayloadEnvelope({"key": "k"}), form, None, CODEC)
    (event,) = reader.receive(after + end)
    assert isinstance(event, EnvelopeReceived)


@given(
    st.sampled_from([WireForm(dialect, True) for dialect in Dialect]),
    st.lists(st.integers(0, 12_000), max_size=6),
)
def test_however_a_stream_is_cut_the_filt_is_read(form: WireForm, places: list[int]) -> None:
    sent = PayloadEnvelope(dict(WAITING), Payload(tuples=[NOISE]))
    text = encode_message(sent, form, None, CODEC)
    borders = [0, *sorted(place % len(text) for place in places), len(text)]
    parts = [text[a:b] for a, b in itertools.pairwise(borders)]
    native = Dialect.NATIVE if form.dialect is Dialect.NATIVE else None
    (failure,) = failures(Protocol(CODEC, framed=True, dialect=native), *parts)
    assert failure.filt == WAITING


def test_payload_of_the_oldest_kind_that_inflates_too_far_is_answered_under_its_filt() -> None:
    for tuples in (["x" * LIMITS.inflated_bytes], [[]] * D0_CONTAINERS):
        (failure,) = failures(Protocol(CODEC, framed=True), d0(filt={"key": "k"}, tuples=tuples))
        assert failure.filt == {"key": "k"}


@pytest.mark.parametrize(
    ("filts", "filt"),
    [
        ({"filt": {"key": "a"}, "replyFilt": {"key": "b"}}, {"key": "b"}),
        ({"filt": {"key": "a"}, "replyFilt": {}}, {"key": "a"}),
        ({"filt": {"key": "a"}, "replyFilt": "b"}, {"key": "a"}),
        ({"filt": "a", "replyFilt": {"key": "b"}}, {"key": "b"}),
        ({"filt": {}, "replyFilt": {}}, None),
    ],
)
@pytest.mark.parametrize("fault", [{"result": {"_ct": "gen"}}, {"tuples": NOISE}])
def test_failure_goes_where_the_oldest_peer_waits(
    filts: dict[str, Any], filt: Any, fault: dict[str, Any]
) -> None:
    (failure,) = failures(Protocol(CODEC, framed=True), d0(**filts, **fault))
    assert failure.filt == filt


@pytest.mark.parametrize("fields", [{"data": "x" * 5000}, {"result": ["y"] * 100, "data": NOISE}])
def test_frame_is_searched_behind_its_payload(fields: dict[str, Any]) -> None:
    text = json.dumps({"_ct": "rpe", **fields, "filt": WAITING})
    (failure,) = failures(Protocol(CODEC, framed=False), text)
    assert failure.filt == WAITING


def test_browser_that_writes_latin_1_is_understood() -> None:
    text = json.dumps({"_ct": "rpe", "filt": {"key": "é"}, "x": "é" * 6000}, ensure_ascii=False)
    for encoding in ("latin-1", "utf-8"):
        message = base64.b64encode(text.encode(encoding)) + b"."
        (failure,) = failures(Protocol(CODEC, framed=True), message)
        assert failure.filt == {"key": "é"}


def test_message_that_breaks_off_is_answered_under_its_filt() -> None:
    (failure,) = failures(Protocol(CODEC, framed=False), '{"_ct":"rpe","filt":{"key":"k"},"da')
    assert failure.filt == {"key": "k"}


@pytest.mark.parametrize(
    "head",
    [
        "",
        "A",
        "{",
        '{"_ct"',
        '{"_ct":"rp","filt":{"key":"k"},',
        '{"filt":{"key":"k"},"_ct":',
        '["_ct"]',
        b"\xff\xfe",
        base64.b64encode(b"x no zlib"),
        base64.b64encode(b"[]"),
    ],
)
def test_what_is_no_message_has_no_fields(head: str | bytes) -> None:
    assert read_head(head, framed=True) == ({}, None)


def test_filt_that_goes_on_for_ever_is_not_read() -> None:
    text = '{"_ct":"rpe","filt":{"key":"' + "k" * HEAD_BYTES + '"},"data":"'
    fields, dialect = read_head(text, framed=False)
    assert (fields["filt"], dialect) == ({"_ft": "bytes", "_fd": ""}, Dialect.D2)
    (failure,) = failures(Protocol(CODEC, framed=False), text)
    assert failure.filt is None


def test_only_so_much_is_parsed_for_all_fields_together() -> None:
    half = "[" + "[]," * (HEAD_BYTES // 6) + "0]"
    text = '{"_ct":"rpe","a":' + half + ',"data":"' + NOISE * 20 + '","filt":{"key":"k"},"b":'
    fields, _ = read_head(text + half + ',"c":0}', framed=False)
    assert fields["filt"] == {"key": "k"}
    assert fields["b"] == ""
    assert "c" not in fields


def test_only_so_many_fields_are_looked_at() -> None:
    many = ",".join(f'"a{number}":1' for number in range(MAX_FIELDS))
    fields, _ = read_head('{"_ct":"rpe",' + many + ',"filt":{"key":"k"}}', framed=False)
    assert len(fields) == MAX_FIELDS
    assert "filt" not in fields


@given(st.binary(max_size=60) | st.text(max_size=60), st.booleans())
def test_no_head_raises(head: str | bytes, framed: bool) -> None:
    read_head(head, framed=framed)


@given(st.integers(0, 400), st.sampled_from(FORMS))
def test_wherever_a_message_is_cut_its_filt_is_whole_or_missing(cut: int, form: WireForm) -> None:
    sent = PayloadEnvelope({"key": "k", "text": "Zoë"}, Payload(tuples=["x"]))
    head = encode_message(sent, form, None, CODEC)[:cut]
    fields, _ = read_head(head, framed=form.framed)
    assert fields.get("filt") in (None, "", {"_ft": "bytes", "_fd": ""}, sent.filt)
