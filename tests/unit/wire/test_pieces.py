"""Payloads in binary frames: what is written, what is read, and what a peer may do wrong."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import LimitExceeded, MalformedMessage
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import (
    HEARTBEAT_RECEIVED,
    EnvelopeReceived,
    Event,
    FailureReceived,
)
from django_vortex.wire.framing import reframe
from django_vortex.wire.limits import Limits
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload
from django_vortex.wire.pieces import MAX_PIECED_BYTES, PIECE_BYTES, PiecedText
from django_vortex.wire.protocol import Protocol

CODEC = Codec()
FORM = WireForm(Dialect.NATIVE, framed=False)
DATE = datetime(2026, 1, 2, tzinfo=UTC)
LIMIT = 1_000_000


def write(*tuples: Any, **filt: Any) -> PiecedText:
    envelope = PayloadEnvelope({"key": "a", **filt}, Payload(tuples=list(tuples)))
    text = encode_message(envelope, FORM, DATE, CODEC)
    assert isinstance(text, PiecedText)
    return text


def make_protocol(*, whole_frames: bool = False) -> Protocol:
    codec = Codec(limits=Limits(message_bytes=LIMIT))
    return Protocol(codec, framed=False, dialect=Dialect.NATIVE, whole_frames=whole_frames)


def announce(announced: Any, **filt: Any) -> str:
    return json.dumps({"_ct": "rpe", "filt": {"key": "a", **filt}, "pieces": announced})


def feed(protocol: Protocol, *frames: str | bytes) -> list[Event]:
    return [event for frame in frames for event in protocol.receive(frame)]


def tuples_of(event: Event) -> Any:
    assert isinstance(event, EnvelopeReceived), event
    return event.envelope.decode_payload(CODEC).tuples


def failure_of(event: Event) -> FailureReceived:
    assert isinstance(event, FailureReceived), event
    return event


@pytest.mark.parametrize(
    "length", [5000, PIECE_BYTES - 200, PIECE_BYTES, 2 * PIECE_BYTES, 3 * PIECE_BYTES + 1]
)
def test_payload_arrives_as_it_was(length: int) -> None:
    text = write("x" * length)
    pieces = list(text.pieces())
    fields = json.loads(text)
    assert fields["pieces"] == [sum(map(len, pieces)), len(pieces)]
    assert "data" not in fields
    assert "payload" not in fields
    assert all(len(piece) == PIECE_BYTES for piece in pieces[:-1])
    assert 0 < len(pieces[-1]) <= PIECE_BYTES
    assert text.size == len(text) + fields["pieces"][0]
    protocol = Protocol(CODEC, framed=False, dialect=Dialect.NATIVE)
    (event,) = feed(protocol, str(text), *pieces)
    assert tuples_of(event) == ["x" * length]
    assert isinstance(event, EnvelopeReceived)
    assert event.envelope.size == text.size
    assert event.envelope.beside_size == len(text)


def test_payload_that_is_longer_is_compressed() -> None:
    text = encode_message(
        PayloadEnvelope({"key": "a"}, Payload(tuples=["x" * MAX_PIECED_BYTES])), FORM, DATE, CODEC
    )
    assert type(text) is str
    assert "data" in json.loads(text)


@pytest.mark.parametrize("dialect", [one for one in Dialect if one is not Dialect.NATIVE])
@pytest.mark.parametrize("framed", [True, False])
def test_others_get_no_pieces(dialect: Dialect, framed: bool) -> None:
    envelope = PayloadEnvelope({"key": "a"}, Payload(tuples=["x" * 5000]))
    assert type(encode_message(envelope, WireForm(dialect, framed), DATE, CODEC)) is str
    native = WireForm(Dialect.NATIVE, framed=True)
    assert type(encode_message(envelope, native, DATE, CODEC)) is str


def test_same_message_goes_over_http_in_one_text() -> None:
    text = write("x" * 300_000, pieces=[5, 1])
    assert reframe(text, framed=False) is text
    framed = reframe(text, framed=True)
    protocol = Protocol(CODEC, framed=True, dialect=Dialect.NATIVE)
    (event,) = protocol.receive(framed)
    assert tuples_of(event) == ["x" * 300_000]
    assert isinstance(event, EnvelopeReceived)
    assert event.envelope.filt == {"key": "a", "pieces": [5, 1]}
    assert event.envelope.date == DATE


def test_beats_may_stand_between() -> None:
    text = write("x" * 600_000)
    protocol = make_protocol(whole_frames=True)
    frames = [str(text)]
    for piece in text.pieces():
        frames += [".", piece]
    events = feed(protocol, *frames)
    assert events[:-1] == [HEARTBEAT_RECEIVED] * 3
    assert tuples_of(events[-1]) == ["x" * 600_000]


@pytest.mark.parametrize(
    "announced",
    [
        *(0, 5000, "x", {}, [], [5000], [5000, 1, 1], [0, 1], [-1, 1], [5000, 0], [5000, 3]),
        *([True, 1], [5000, True], ["5000", 1], [5000.0, 1], [None, 1], [PIECE_BYTES + 1, 1]),
    ],
)
def test_announcement_that_is_none_fails_its_message_alone(announced: Any) -> None:
    protocol = make_protocol()
    events = feed(protocol, announce(announced, id=1), b"x" * 5000, b"x", str(write("y" * 5000)))
    failure = failure_of(events[0])
    assert isinstance(failure.error, MalformedMessage)
    assert failure.error.path == "$.pieces"
    assert failure.filt == {"key": "a", "id": 1}
    assert not failure.fatal
    assert len(events) == 1
    (event,) = feed(protocol, *write("z" * 5000).pieces())
    assert tuples_of(event) == ["z" * 5000]


def test_announcement_over_the_limit_reserves_nothing_and_fails() -> None:
    protocol = make_protocol()
    (event,) = feed(protocol, announce([10**12, 10**7]))
    assert isinstance(failure_of(event).error, LimitExceeded)
    (event,) = feed(protocol, announce([LIMIT, 4]))
    assert "max_message_bytes (1000000)" in str(failure_of(event).error)
    assert feed(protocol, announce([LIMIT - 1000, 4])) == []


@pytest.mark.parametrize(
    "pieces",
    [
        [b"x" * 5001],
        [b"x" * 4999],
        [b""],
        [b"x" * 100, b""],
        [b"[" + b"x" * 4999],
    ],
)
def test_pieces_that_are_not_what_was_announced_fail_their_message(pieces: list[bytes]) -> None:
    protocol = make_protocol()
    count = 2 if len(pieces) > 1 else 1
    events = feed(protocol, announce([5000, count], id=1), *pieces, b"more", b"more")
    assert len(events) == 1
    assert failure_of(events[0]).filt == {"key": "a", "id": 1}
    text = write("y" * 5000)
    (event,) = feed(protocol, str(text), *text.pieces())
    assert tuples_of(event) == ["y" * 5000]


def test_piece_that_is_too_long_fails() -> None:
    protocol = make_protocol()
    (event,) = feed(protocol, announce([600_000, 3]), b"x" * (PIECE_BYTES + 1))
    assert "binary frame of 1 to 262144 bytes" in str(failure_of(event).error)


def test_message_between_the_pieces_fails_the_one_and_is_read_itself() -> None:
    protocol = make_protocol()
    text = write("x" * 600_000, id=1)
    first, *others = text.pieces()
    events = feed(protocol, str(text), first, announce(None, id=2), *others)
    assert failure_of(events[0]).filt == {"key": "a", "id": 1}
    assert isinstance(events[1], EnvelopeReceived)
    assert events[1].envelope.filt == {"key": "a", "id": 2}
    assert "no envelope has announced" in str(failure_of(events[2]).error)
    assert len(events) == 3


def test_binary_frame_without_announcement_is_told_once() -> None:
    protocol = make_protocol()
    events = feed(protocol, *[b"x" * 100] * 1000)
    assert len(events) == 1
    assert not protocol.is_dead
    (event,) = feed(protocol, announce(None))
    assert isinstance(event, EnvelopeReceived)


def test_slow_message_is_given_up_and_beats_do_not_help() -> None:
    protocol = make_protocol()
    text = write("x" * 600_000, id=1)
    first, second, third = text.pieces()
    feed(protocol, str(text))
    assert protocol.expire(1000, 60) == []
    feed(protocol, ".")
    assert protocol.expire(1060, 60) == []
    feed(protocol, first, ".")
    assert protocol.expire(1061, 60) == []
    assert protocol.expire(1121, 60) == []
    (event,) = protocol.expire(1122, 60)
    assert failure_of(event).filt == {"key": "a", "id": 1}
    assert "did not come within 60 s" in str(failure_of(event).error)
    assert protocol.expire(5000, 60) == []
    assert feed(protocol, second, third) == []


def test_other_dialects_read_binary_frames_as_text() -> None:
    protocol = Protocol(CODEC, framed=False, dialect=Dialect.D2)
    (event,) = protocol.receive(announce([5000, 1]).encode())
    assert isinstance(event, EnvelopeReceived)


@given(st.lists(st.binary(max_size=50) | st.text(max_size=50) | st.just(announce([5000, 2]))))
def test_any_frames_give_events_and_no_errors(frames: list[bytes | str]) -> None:
    protocol = make_protocol()
    feed(protocol, *frames)
    protocol.expire(1, 1)
