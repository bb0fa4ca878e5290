"""The core of the client, with messages and times given by hand."""

import json
import random

import pytest

from django_vortex import Payload, PayloadEnvelope
from django_vortex.client.core import Core, Due
from django_vortex.client.endings import Ending
from django_vortex.client.errors import Closed, FateUnknown, NotConnected, TimedOut
from django_vortex.client.outgoing import Message
from django_vortex.client.requests import Outcome
from django_vortex.exceptions import DefinitionError, LimitExceeded, UnencodableValue
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import LIMIT_KEY, NAME_KEY, UUID_KEY, VERSION_KEY
from django_vortex.wire.framing import reframe
from django_vortex.wire.limits import Limits
from django_vortex.wire.messages import encode_message
from django_vortex.wire.opening import SESSION_KEY, SessionInfo
from django_vortex.wire.pieces import PiecedText
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import (
    CANCEL_KEY,
    CANCELLED_ID,
    MESSAGE_ID,
    REFLECTED_KEY,
    REFLECTING_KEY,
    REQUEST_ID,
)

CODEC = Codec()
FORM = WireForm(Dialect.NATIVE, framed=False)
LOST = Ending("cut")


@pytest.fixture
def core() -> Core:
    return Core("u-u-i-d", "test", Codec(limits=Limits(message_bytes=10_000)))


def write(filt: dict, *tuples: object, result: object = None) -> str:
    envelope = PayloadEnvelope(filt, Payload(filt, list(tuples)), result=result)
    return encode_message(envelope, FORM, None, CODEC)


def connect(
    core: Core,
    now: float = 0.0,
    version: int | None = 2,
    *,
    limit: object = None,
    framed: bool = False,
) -> None:
    core.begin(now, framed=framed)
    told: dict[str, object] = {} if version is None else {VERSION_KEY: version}
    if limit is not None:
        told[LIMIT_KEY] = limit
    info = PayloadEnvelope({UUID_KEY: "server", NAME_KEY: "its name", **told})
    core.receive(encode_message(info, WireForm(Dialect.NATIVE, framed=framed), None, CODEC), now)


def ask(core: Core, outcomes: list[Outcome], seconds: float | None = 5.0, now: float = 0.0) -> str:
    pending, message = core.request({"key": "a"}, None, seconds, now, outcomes.append)
    core.outgoing.put(message)
    return pending.id


def test_core_is_online_once_the_server_has_said_who_it_is(core):
    core.begin(0, framed=False)
    assert not core.is_online
    connect(core)
    assert core.server.name == "its name"
    core.end(LOST, 1)
    assert not core.is_online


def get_wire_size(message: Message, *, framed: bool) -> int:
    """Return how long a message is as the server counts it."""
    if framed:
        return len(reframe(message.text, framed=True).removesuffix("."))
    pieces = message.text.pieces() if isinstance(message.text, PiecedText) else ()
    return len(str(message.text)) + sum(map(len, pieces))


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("size", [10, 3000, 30_000])
@pytest.mark.parametrize("excess", [0, 1])
def test_message_that_is_one_byte_too_long_for_the_server_is_not_sent(core, framed, size, excess):
    outcomes: list[Outcome] = []
    payload = Payload({}, [random.Random(size).randbytes(size).hex()])
    pending, message = core.request({"key": "a"}, payload, 5, 0, outcomes.append)
    limit = get_wire_size(message, framed=framed) - excess
    core.outgoing.put(message)
    connect(core, limit=limit, framed=framed)
    taken = [one.request_id for one in core.take(0)]
    if excess:
        assert taken == []
        assert [str(one) for one in outcomes] == [f"Message exceeds max_message_bytes ({limit})"]
        assert str(core.get_excess(message)) == str(outcomes[0])
    else:
        assert taken == [pending.id]
        assert outcomes == []
        assert core.get_excess(message) is None
    core.end(LOST, 1)
    assert core.get_excess(message) is None, "the next server may take it"


def test_what_follows_a_message_that_is_too_long_is_written(core, caplog):
    core.outgoing.put(core.encode({"key": "a"}, Payload({}, ["x" * 3000])))
    core.outgoing.put(core.encode({"key": "b"}, None))
    connect(core, limit=1000)
    assert [json.loads(one.text)["filt"] for one in core.take(0)] == [{"key": "b"}]
    assert "Message exceeds max_message_bytes (1000)" in caplog.text
    core.outgoing.confirm(1)
    assert len(core.outgoing) == 0


@pytest.mark.parametrize("limit", [0, -1, True, "5", None, 1.5, [], {}])
def test_server_that_tells_no_sensible_limit_has_none(core, limit):
    core.outgoing.put(core.encode({"key": "a"}, Payload({}, ["x" * 3000])))
    connect(core, limit=limit)
    assert len(core.take(0)) == 1


def test_address_says_who_the_client_is(core):
    assert core.address == {
        "vortexUuid": "u-u-i-d",
        "vortexName": "test",
        "vortexDialect": "native",
        "vortexVersion": "2",
    }
    assert core.first_texts == []


@pytest.mark.parametrize(
    ("version", "field"), [(None, "data"), (1, "data"), (2, "payload"), (3, "payload")]
)
def test_messages_are_written_in_the_version_of_the_server_that_is_there(core, version, field):
    core.outgoing.put(core.encode({"key": "a"}, Payload({}, ["x"])))
    connect(core, version=version)
    core.outgoing.put(core.encode({"key": "a"}, Payload({}, ["y"])))
    for message, value in zip(core.take(0), "xy", strict=True):
        fields = json.loads(message.text)
        assert {"data", "payload"} & fields.keys() == {field}
        (event,) = Protocol(CODEC, framed=False, dialect=Dialect.NATIVE).receive(message.text)
        assert event.envelope.decode_payload(CODEC).tuples == [value]


def test_messages_follow_servers_of_different_versions(core):
    outcomes: list[Outcome] = []
    connect(core, version=2)
    pending, message = core.request({"key": "a"}, Payload({}, ["x"]), 5, 0, outcomes.append)
    core.outgoing.put(message)
    batch = core.take(0)
    assert "payload" in json.loads(batch[0].text)
    core.put_back(batch)
    core.end(LOST, 1)
    connect(core, 1, version=None)
    (again,) = core.take(1)
    assert "payload" not in json.loads(again.text)
    assert json.loads(again.text)["filt"][MESSAGE_ID] == pending.id
    core.receive(write({"key": "a", MESSAGE_ID: pending.id}, "done"), 2)
    assert outcomes[0].decode_payload(CODEC).tuples == ["done"]


def test_message_carries_what_the_tuples_were_when_it_was_sent(core):
    values = [1]
    core.outgoing.put(core.encode({"key": "a"}, Payload({}, [values])))
    values.append(2)
    connect(core, version=1)
    (message,) = core.take(0)
    (event,) = Protocol(CODEC, framed=False, dialect=Dialect.NATIVE).receive(message.text)
    assert event.envelope.decode_payload(CODEC).tuples == [[1]]


def test_original_servers_are_spoken_to_first():
    core = Core("u", "test", CODEC, dialect=Dialect.D2)
    assert "vortexDialect" not in core.address
    (hello,) = core.first_texts
    assert hello.startswith("{")
    assert '"__vortexUuid__":"u"' in hello


def test_answer_finds_its_request(core):
    connect(core)
    first, second = [], []
    ask(core, first)
    other = ask(core, second)
    core.receive(write({"key": "a", MESSAGE_ID: other}, 2), 0)
    assert first == []
    assert second[0].decode_payload(CODEC).tuples == [2]
    core.receive(write({"key": "a", MESSAGE_ID: other}, 3), 0)
    assert len(second) == 1


def test_F1_value_that_cannot_travel_leaves_nothing_behind(core):
    with pytest.raises(UnencodableValue, match=r"\$\.tuples\[0\]"):
        core.request({"key": "a"}, Payload({}, [object()]), 5, 0, print)
    assert not core.requests
    assert not core.outgoing


def test_deadline_counts_only_time_with_a_connection(core):
    outcomes = []
    ask(core, outcomes, seconds=5, now=0)
    core.tick(1000)
    connect(core, now=1000)
    core.tick(1004)
    core.end(LOST, 1004)
    core.tick(2000)
    connect(core, now=2000)
    core.tick(2000.9)
    assert outcomes == []
    core.tick(2001)
    assert isinstance(outcomes[0], TimedOut)
    assert str(outcomes[0]) == "No answer to 'a' within 5 s"


def test_C3_request_never_written_survives_a_cut(core):
    connect(core)
    outcomes = []
    ask(core, outcomes)
    core.end(LOST, 1)
    assert outcomes == []
    assert len(core.outgoing) == 1


def test_C3_request_that_may_have_run_has_an_unknown_fate(core):
    connect(core)
    outcomes = []
    ask(core, outcomes)
    batch = core.take(0)
    core.outgoing.confirm(len(batch))
    core.end(LOST, 1)
    assert isinstance(outcomes[0], FateUnknown)
    assert "cut" in str(outcomes[0])


def test_C3_request_that_certainly_was_not_written_is_the_next_again(core):
    connect(core)
    outcomes = []
    first = ask(core, outcomes)
    ask(core, outcomes)
    batch = core.take(0)
    core.put_back(batch)
    core.end(LOST, 1)
    assert outcomes == []
    assert core.take(2) == [], "there is no connection"
    connect(core, 2)
    assert core.take(2)[0].request_id == first


def test_requests_over_http_wait_for_the_next_stream(core):
    connect(core)
    outcomes = []
    request_id = ask(core, outcomes)
    core.outgoing.confirm(len(core.take(0)))
    core.end(Ending("the response has ended", keeps_requests=True), 1)
    connect(core, 2)
    core.receive(write({"key": "a", MESSAGE_ID: request_id}, 1), 2)
    assert outcomes[0].decode_payload(CODEC).tuples == [1]


def test_withdrawn_request_is_never_written(core):
    pending, message = core.request({"key": "a"}, None, 5, 0, print)
    core.outgoing.put(message)
    core.withdraw(pending)
    assert not core.outgoing
    assert not core.requests


def test_C1_what_waits_goes_before_what_comes_after(core):
    for number in range(3):
        core.outgoing.put(core.encode({"key": f"k{number}"}, None))
    connect(core)
    core.outgoing.put(core.encode({"key": "late"}, None))
    texts = [message.text for message in core.take(0)]
    assert ["k0" in texts[0], "k1" in texts[1], "k2" in texts[2], "late" in texts[3]] == [True] * 4


def test_push_goes_to_all_whose_filt_it_contains(core):
    heard = []
    core.listeners.add({"key": "a"}, lambda envelope: heard.append(1))
    core.listeners.add({"key": "a", "id": 5}, lambda envelope: heard.append(2))
    ended = core.listeners.add({"key": "a"}, lambda envelope: heard.append(3))
    core.listeners.remove(ended)
    core.listeners.remove(ended)
    connect(core)
    core.receive(write({"key": "a", "id": 6, "more": None}), 0)
    core.receive(write({"key": "a", "id": 5}), 0)
    core.receive(write({"key": "b", "id": 5}), 0)
    assert heard == [1, 1, 2]
    with pytest.raises(DefinitionError):
        core.listeners.add({"id": 5}, print)


def test_answer_that_cannot_be_read_fails_its_request_and_not_the_stream(core):
    connect(core)
    outcomes = []
    request_id = ask(core, outcomes)
    filt = {"key": "a", MESSAGE_ID: request_id}
    assert core.receive(write(filt, result="x" * 20_000), 0) is None
    assert isinstance(outcomes[0], LimitExceeded)
    heard = []
    core.listeners.add({"key": "a"}, heard.append)
    core.receive(write({"key": "a"}), 0)
    assert len(heard) == 1


def test_last_message_of_a_response_tells_how_it_ends(core):
    connect(core)
    ending = core.receive(write({"key": "vortex.closing", "code": 4429}, result="7 s: often"), 0)
    assert ending.code == 4429
    assert ending.retry_seconds == 7


def test_beat_is_due_when_nothing_was_written(core):
    assert core.tick(1000) is Due.NOTHING
    connect(core, 0)
    core.receive(".", 9)
    assert core.tick(9.9) is Due.NOTHING
    assert core.tick(10) is Due.BEAT
    assert core.tick(11) is Due.NOTHING
    core.outgoing.put(core.encode({"key": "a"}, None))
    core.take(15)
    assert core.tick(20) is Due.NOTHING
    assert core.tick(25) is Due.BEAT


def begin_session(
    core: Core, *, received: int = 0, resumed: bool = False, framed: bool = False
) -> None:
    core.begin(0.0, framed=framed)
    session = SessionInfo(resumed, 1, received, 1, 30.0)
    filt = {UUID_KEY: "server", NAME_KEY: "", VERSION_KEY: 2, SESSION_KEY: session.to_record()}
    form = WireForm(Dialect.NATIVE, framed=framed)
    core.receive(encode_message(PayloadEnvelope(filt), form, None, CODEC), 0.0)


def test_server_is_asked_for_no_arrival_by_a_post(core):
    assert core.ask_arrival(), "it may become a WebSocket"
    begin_session(core, framed=True)
    assert core.take_beat(0) is None
    core.outgoing.put(core.encode({"key": "a"}, None))
    assert len(core.take(0)) == 1
    assert not core.ask_arrival(), "the response says it"
    begin_session(core, received=1, resumed=True, framed=True)
    assert core.take_beat(0) is None


def test_server_is_asked_once_what_has_arrived_of_what_was_written(core):
    begin_session(core)
    core.outgoing.put(core.encode({"key": "a"}, None))
    assert core.ask_arrival()
    assert not core.ask_arrival(), "it is still to be said"
    assert len(core.take(0)) == 1
    assert core.take_beat(0) == "0,1."
    for _ in range(3):
        assert not core.ask_arrival(), "the answer is under way"
        assert core.take_beat(0) is None
    core.outgoing.put(core.encode({"key": "b"}, None))
    core.take(0)
    assert core.ask_arrival(), "more was written"
    assert core.take_beat(0) == "0,2."
    core.end(LOST, 1)
    begin_session(core, received=1, resumed=True)
    assert core.ask_arrival(), "the answer was lost"
    core.take(0)
    assert core.take_beat(0) == "0,2."


def test_C3_requests_that_have_arrived_share_the_fate_of_their_session(core):
    """They are in no window any more, and their answers died with the server."""
    begin_session(core)
    plain, repeated, answered = [], [], []
    ask(core, plain, seconds=None)
    pending, message = core.request({"key": "b"}, None, None, 0, repeated.append, may_repeat=True)
    core.outgoing.put(message)
    answered_id = ask(core, answered, seconds=None)
    assert len(core.take(0)) == 3
    core.receive(write({"key": "a", MESSAGE_ID: answered_id}), 0)
    core.receive("3,1.", 0)
    assert core.unsettled == 0
    core.end(LOST, 1)
    begin_session(core, resumed=False)
    (outcome,) = plain
    assert isinstance(outcome, FateUnknown)
    assert len(answered) == 1
    assert repeated == []
    (again,) = core.take(2)
    assert again is message
    core.receive(write({"key": "b", MESSAGE_ID: pending.id}), 2)
    assert len(repeated) == 1


def test_A4_any_byte_counts_as_life(core):
    core.begin(0, framed=True)
    for second in range(0, 100, 20):
        core.receive("AAAA", second)
        assert core.tick(second + 19) is not Due.END
    assert core.tick(80 + 25) is Due.END


def test_end_for_good_settles_everything(core):
    outcomes = []
    ask(core, outcomes, seconds=None)
    ask(core, outcomes)
    core.finish(Closed("closed"))
    assert [type(one) for one in outcomes] == [Closed, Closed]
    assert not core.outgoing


def test_request_that_has_left_is_cancelled_at_the_server(core):
    connect(core)
    pending, message = core.request({"key": "a"}, None, 5, 0, print)
    core.outgoing.put(message)
    core.outgoing.confirm(len(core.take(0)))
    core.withdraw(pending)
    core.withdraw(pending)
    (text,) = [message.text for message in core.take(0)]
    assert f'"key":"{CANCEL_KEY}","{CANCELLED_ID}":"{pending.id}"' in text


def test_request_whose_deadline_has_passed_is_cancelled_or_never_written(core):
    connect(core)
    outcomes = []
    written = ask(core, outcomes, seconds=5)
    core.outgoing.confirm(len(core.take(0)))
    ask(core, outcomes, seconds=5)
    core.tick(5)
    assert [type(one) for one in outcomes] == [TimedOut, TimedOut]
    (text,) = [message.text for message in core.take(5)]
    assert CANCEL_KEY in text
    assert written in text


def test_answered_request_is_not_cancelled(core):
    connect(core)
    pending, message = core.request({"key": "a"}, None, 5, 0, print)
    core.outgoing.put(message)
    core.outgoing.confirm(len(core.take(0)))
    core.receive(write({"key": "a", MESSAGE_ID: pending.id}), 0)
    core.withdraw(pending)
    assert not core.outgoing


def test_cancelled_request_that_was_not_written_after_all_is_not_written_again(core):
    connect(core)
    pending, message = core.request({"key": "a"}, None, 5, 0, print)
    core.outgoing.put(message)
    core.outgoing.put(core.encode({"key": "b"}, None))
    batch = core.take(0)
    core.withdraw(pending)
    core.put_back(batch)
    assert ['"b"' in one.text for one in core.take(0)] == [True, False]
    core.outgoing.confirm(2)
    assert len(core.outgoing) == 0


def test_original_servers_are_told_nothing_of_cancelling():
    core = Core("u", "test", CODEC, dialect=Dialect.D2)
    connect(core)
    pending, message = core.request({"key": "a"}, None, 5, 0, print)
    core.outgoing.put(message)
    core.outgoing.confirm(len(core.take(0)))
    core.withdraw(pending)
    assert not core.outgoing


def test_E2_nothing_of_before_is_written_or_answered_when_the_client_begins_anew(core):
    connect(core)
    written, waiting = [], []
    request_id = ask(core, written)
    core.outgoing.put(core.encode({"key": "sent"}, None))
    batch = core.take(0)
    ask(core, waiting)
    assert core.begin_anew("another", 0) == 1
    assert core.take(0) == []
    core.put_back(batch)
    assert len(core.outgoing) == 0
    assert [type(one[0]) for one in (written, waiting)] == [FateUnknown, NotConnected]
    assert core.address["vortexUuid"] == "another"
    assert core.receive(write({"key": "a", MESSAGE_ID: request_id}, 1), 0) is not None
    connect(core)
    core.receive(write({"key": "a", MESSAGE_ID: request_id}, 1), 0)
    assert len(written) == 1


def test_E2_a_queue_that_waits_for_a_connection_is_of_the_old_identity(core):
    outcomes = []
    ask(core, outcomes)
    core.begin_anew("another", 0)
    connect(core)
    assert core.take(0) == []


def tell(core: Core, key: str, request_id: str) -> None:
    core.receive(write({"key": key, REQUEST_ID: request_id}), 0)


def reply_to(core: Core, request_id: str, result: object = None, now: float = 0.0) -> None:
    core.receive(write({"key": "a", MESSAGE_ID: request_id}, 1, result=result), now)


def begin_reflecting(core: Core, outcomes: list[Outcome], seconds: float | None = 50.0) -> str:
    connect(core)
    request_id = ask(core, outcomes, seconds)
    core.take(0)
    tell(core, REFLECTING_KEY, request_id)
    return request_id


def test_reply_waits_until_the_watches_contain_what_was_written(core):
    outcomes: list[Outcome] = []
    request_id = begin_reflecting(core, outcomes)
    pending = core.requests.get(request_id)
    reply_to(core, request_id)
    assert outcomes == []
    tell(core, REFLECTED_KEY, "another")
    assert outcomes == []
    tell(core, REFLECTED_KEY, request_id)
    assert len(outcomes) == 1
    assert pending.is_reflected


def test_reply_waits_for_nothing_where_the_watches_were_quicker(core):
    outcomes: list[Outcome] = []
    request_id = begin_reflecting(core, outcomes)
    pending = core.requests.get(request_id)
    tell(core, REFLECTED_KEY, request_id)
    assert outcomes == []
    reply_to(core, request_id)
    assert len(outcomes) == 1
    assert pending.is_reflected


def test_error_waits_for_no_watches(core):
    outcomes: list[Outcome] = []
    request_id = begin_reflecting(core, outcomes)
    reply_to(core, request_id, {"error": "refused", "text": "No"})
    assert len(outcomes) == 1


@pytest.mark.parametrize("seconds", [2.0, 50.0, None])
def test_reply_does_not_wait_for_ever(core, seconds):
    outcomes: list[Outcome] = []
    request_id = begin_reflecting(core, outcomes, seconds)
    pending = core.requests.get(request_id)
    reply_to(core, request_id, now=1.0)
    core.tick(5.9)
    assert outcomes == []
    core.tick(6.1)
    (outcome,) = outcomes
    assert isinstance(outcome, PayloadEnvelope)
    assert not pending.is_reflected
    assert core.outgoing.is_empty, "nothing is taken back"
    tell(core, REFLECTED_KEY, request_id)


@pytest.mark.parametrize("end", ["cut", "finished"])
def test_reply_that_waits_is_not_lost(core, end):
    outcomes: list[Outcome] = []
    request_id = begin_reflecting(core, outcomes)
    pending = core.requests.get(request_id)
    reply_to(core, request_id)
    if end == "cut":
        core.end(LOST, 1)
    else:
        core.finish(Closed("over"))
    (outcome,) = outcomes
    assert isinstance(outcome, PayloadEnvelope)
    assert not pending.is_reflected
