"""How much of messages is read, and how many bad ones: what exceeds that is a failure."""

import json
import random
import zlib
from typing import Any

import pytest

from django_vortex.exceptions import LimitExceeded, MalformedMessage, WireError
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import (
    EnvelopeReceived,
    FailureReceived,
)
from django_vortex.wire.limits import D0_CONTAINERS, ENVELOPE_VALUES, FREE_CONTAINERS
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload
from django_vortex.wire.protocol import MAX_FAILURES, MAX_FAILURES_AT_ONCE, Protocol
from tests.unit.wire.receiving import (
    CODEC,
    DATE,
    FRAMED,
    LIMITS,
    b64,
    envelopes,
    message,
    protocol,
    receive,
    the_envelope,
    the_failure,
)


def test_too_long_message_is_one_failure_and_the_next_one_is_read() -> None:
    reader = protocol()
    events = [event for _ in range(9) for event in reader.receive("A" * 1000)]
    assert type(the_failure(events).error) is LimitExceeded
    assert envelopes(reader.receive(b"AA." + b64(message()) + b"."))


@pytest.mark.parametrize("opening", ['{"_ct":"rpe","filt":', "[", '{"_ct":"rpe","filt":{"a":'])
def test_deep_nesting_is_a_failure(opening: str) -> None:
    text = opening + "[" * 100 + "]" * 100 + "}" * opening.count("{")
    failure = the_failure(receive([b64(text) + b"."]))
    assert isinstance(failure.error, WireError)
    assert not failure.fatal


def test_filt_deeper_than_the_limit_is_refused() -> None:
    nested: Any = "x"
    for _ in range(LIMITS.depth + 1):
        nested = [nested]
    failure = the_failure(receive([message(filt={"key": "k", "a": nested})], framed=False))
    assert type(failure.error) is LimitExceeded


def test_d0_payload_with_too_many_tuples_is_refused() -> None:
    text = json.dumps({"_ct": "rp", "filt": {"key": "a"}, "tuples": [1] * (LIMITS.tuples + 1)})
    got = the_envelope(receive([b64(zlib.compress(text.encode())) + b"."]))
    with pytest.raises(LimitExceeded):
        got.decode_payload(CODEC)


def test_peer_that_sends_nothing_but_junk_is_given_up() -> None:
    reader = protocol()
    events = [event for _ in range(3) for event in reader.receive("!!!!." * MAX_FAILURES)]
    assert [event.fatal for event in events if isinstance(event, FailureReceived)] == [
        *[False] * (MAX_FAILURES - 1),
        True,
    ]
    assert len(events) == MAX_FAILURES
    assert reader.is_dead
    assert reader.receive(b64(message()) + b".") == reader.finish() == []


def test_a_good_message_makes_up_for_the_bad_ones_before_it() -> None:
    reader = protocol()
    for _ in range(3):
        reader.receive("!!!!." * (MAX_FAILURES - 1))
        assert envelopes(reader.receive(b64(message()) + b"."))
    assert not reader.is_dead


def test_d0_messages_of_one_body_together_inflate_to_no_more_than_one_payload() -> None:
    bomb = b64(zlib.compress(b'{"_ct":"rp","a":"%b"}' % (b"0" * 60_000))) + b"."
    one, other = receive([bomb + bomb])
    assert isinstance(one, EnvelopeReceived)
    assert isinstance(other, FailureReceived)
    assert isinstance(other.error, LimitExceeded)


def test_next_body_may_inflate_to_as_much_again() -> None:
    bomb = b64(zlib.compress(b'{"_ct":"rp","a":"%b"}' % (b"0" * 60_000))) + b"."
    reader = protocol()
    for _ in range(3):
        assert len(envelopes([*reader.receive(bomb), *reader.finish()])) == 1


def test_websocket_peer_can_not_make_the_server_inflate_what_nobody_reads() -> None:
    failure = the_failure(receive([b64(zlib.compress(b'{"_ct":"rp"}')) + b"."], framed=False))
    assert isinstance(failure.error, MalformedMessage)


MANY_VALUES = {
    "lists": "[" + "[]," * ENVELOPE_VALUES + "0]",
    "objects": "[" + '{"a":0},' * (ENVELOPE_VALUES // 2) + "0]",
    "numbers": "[" + "0," * ENVELOPE_VALUES + "0]",
    "texts in lists": "[" + '["a"],' * (ENVELOPE_VALUES // 2) + "0]",
    "numbers beside a marker": '["_ft",' + "0," * ENVELOPE_VALUES + "0]",
    "keys beside a marker": '{"_ft":0,"_fd":0,'
    + ",".join(f'"k{number}":0' for number in range(ENVELOPE_VALUES))
    + "}",
    "keys": "{" + ",".join(f'"k{number}":0' for number in range(ENVELOPE_VALUES)) + "}",
}


@pytest.mark.parametrize("name", ["filt", "result"])
@pytest.mark.parametrize("values", MANY_VALUES.values(), ids=MANY_VALUES)
def test_very_many_values_beside_the_payload_are_refused(values: str, name: str) -> None:
    fields = {"filt": '{"key":"x"}', "result": "null", name: f'{{"a":{{"b":{values}}}}}'}
    message = f'{{"_ct":"rpe","filt":{fields["filt"]},"result":{fields["result"]}}}'
    (event,) = Protocol(Codec(), framed=False).receive(message)
    assert isinstance(event, FailureReceived)
    assert isinstance(event.error, LimitExceeded)
    assert event.filt == ({"key": "x"} if name == "result" else None)


def test_filt_of_very_many_values_is_answered_under_what_is_plain_in_it() -> None:
    filt = {"key": "x", "n": 5, "where": {"a": [0] * ENVELOPE_VALUES}, "b": {}, "": 1}
    (event,) = Protocol(Codec(), framed=False).receive(json.dumps({"_ct": "rpe", "filt": filt}))
    assert isinstance(event, FailureReceived)
    assert event.filt == {"key": "x", "n": 5}


def test_what_stands_for_one_value_counts_once() -> None:
    source = {"key": "x", "a": [{"_ft": "int", "_fd": 1}] * (ENVELOPE_VALUES - 2)}
    message = json.dumps({"_ct": "rpe", "filt": source})
    (event,) = Protocol(Codec(), framed=False).receive(message)
    assert isinstance(event, FailureReceived)  # too many objects, before they are parsed
    source["a"] = source["a"][:9000]
    (event,) = Protocol(Codec(), framed=False).receive(json.dumps({"_ct": "rpe", "filt": source}))
    assert isinstance(event, EnvelopeReceived)
    assert event.envelope.filt == {"key": "x", "a": [1] * 9000}


@pytest.mark.parametrize("name", ["filt", "replyFilt", "result"])
def test_very_many_values_beside_the_tuples_of_d0_are_refused(name: str) -> None:
    fields = {"filt": {"key": "x"}, "replyFilt": {}, name: {"a": [0] * ENVELOPE_VALUES}}
    text = json.dumps({"_ct": "rp", "tuples": [], **fields}).encode()
    [failure] = Protocol(Codec(), framed=True).receive(b64(zlib.compress(text)) + b".")
    assert isinstance(failure, FailureReceived)
    assert isinstance(failure.error, LimitExceeded)
    assert failure.error.path == f"$.{name}"


def test_flat_filt_of_very_many_keys_is_refused() -> None:
    filt = {f"k{number}": 0 for number in range(ENVELOPE_VALUES + 1)}
    (event,) = Protocol(Codec(), framed=False).receive(json.dumps({"_ct": "rpe", "filt": filt}))
    assert isinstance(event, FailureReceived)
    assert isinstance(event.error, LimitExceeded)


def test_filt_may_hold_as_many_values_as_are_allowed() -> None:
    filt = {"key": "x", "a": [0] * (ENVELOPE_VALUES - 2)}
    (event,) = Protocol(Codec(), framed=False).receive(json.dumps({"_ct": "rpe", "filt": filt}))
    assert isinstance(event, EnvelopeReceived)
    assert event.envelope.filt == filt


@pytest.mark.parametrize("form", FRAMED, ids=str)
def test_envelope_knows_how_much_came_with_it(form: WireForm) -> None:
    payload = Payload({"key": "x"}, tuples=["0" * 50_000])
    text = encode_message(PayloadEnvelope({"key": "x"}, payload), form, DATE, CODEC)
    envelope = the_envelope(receive([text]))
    assert envelope.size >= (50_000 if form.dialect is Dialect.D0 else len(text) - 1)
    assert envelope.beside_size == envelope.size - envelope.received_size


def test_good_messages_do_not_make_up_for_very_many_bad_ones_at_once() -> None:
    reader = protocol()
    events = reader.receive((b64(b'{"_ct":"rpe"}') + b".!!!!.") * 1000)
    assert reader.is_dead
    assert len(events) == 2 * MAX_FAILURES_AT_ONCE


def test_bad_messages_now_and_then_do_no_harm() -> None:
    reader = protocol()
    for _ in range(2 * MAX_FAILURES_AT_ONCE):
        assert len(reader.receive(b"!!!!." + b64(message()) + b".")) == 2
    assert not reader.is_dead


def test_d0_messages_of_one_body_together_hold_no_more_lists_than_one_may() -> None:
    codec = Codec()
    noise = random.Random(1).randbytes(20_000).hex().encode()
    lists = b"[]," * (D0_CONTAINERS // 2 - 2)
    half = b64(zlib.compress(b'{"_ct":"rp","a":[%b0],"b":"%b"}' % (lists, noise))) + b"."
    reader = Protocol(codec, framed=True)
    one, two, three = [*reader.receive(half * 3), *reader.finish()]
    assert isinstance(one, EnvelopeReceived)
    assert isinstance(two, EnvelopeReceived)
    assert isinstance(three, FailureReceived)
    assert isinstance(three.error, LimitExceeded)
    assert len(envelopes(reader.receive(half))) == 1


@pytest.mark.parametrize(
    "filling", [b"[]," * (FREE_CONTAINERS + 10_000), b"0," * 1_000_000, b"0," * 5_000_000]
)
def test_d0_message_holds_no_more_than_is_in_proportion_to_what_arrived(filling: bytes) -> None:
    text = b64(zlib.compress(b'{"_ct":"rp","a":[%b0]}' % filling, 9)) + b"."
    [failure] = Protocol(Codec(), framed=True).receive(text)
    assert isinstance(failure, FailureReceived)
    assert isinstance(failure.error, LimitExceeded)


def test_failure_keeps_nothing_alive_but_its_text() -> None:
    failure = the_failure(receive([b"!!!!."]))
    assert failure.error.__traceback__ is None
    assert failure.error.__context__ is None
