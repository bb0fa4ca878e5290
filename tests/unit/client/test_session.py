"""The client's end of a session, with a server that is written by hand."""

from typing import Any

import pytest

from django_vortex import Payload, PayloadEnvelope
from django_vortex.client.core import Core
from django_vortex.client.endings import Ending
from django_vortex.client.errors import FateUnknown
from django_vortex.client.session import POST_TELL_MESSAGES
from django_vortex.exceptions import LimitExceeded
from django_vortex.wire.codec import Codec
from django_vortex.wire.counting import TELL_MESSAGES
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import NAME_KEY, UUID_KEY, VERSION_KEY
from django_vortex.wire.messages import encode_message
from django_vortex.wire.opening import Opening, SessionInfo, read_opening
from django_vortex.wire.reserved import CLOSING_KEY

CODEC = Codec()
CUT = Ending("cut")


class Far:
    """The server's end: says what it is told to say."""

    def __init__(self, core: Core, *, framed: bool = False) -> None:
        self.core = core
        self.framed = framed
        self.form = WireForm(Dialect.NATIVE, framed=framed)

    def open(self, *, continues: bool = False) -> Opening:
        """Begin with a stream, and return what the client says."""
        said = read_opening(self.core.session.make_opening(continues=continues))
        assert said is not None
        if not continues:
            self.core.begin(0.0, framed=self.framed)
        return said

    def introduce(
        self, *, resumed: bool = False, since: int = 1, received: int = 0, first: int = 1
    ) -> Ending | None:
        info = SessionInfo(resumed, since, received, first, 30.0)
        told: dict[str, Any] = {UUID_KEY: "s", NAME_KEY: "its name", VERSION_KEY: 2}
        return self.say({**told, "session": info.to_record()})

    def say(self, filt: dict[str, Any], *tuples: Any) -> Ending | None:
        payload = Payload(filt, list(tuples)) if tuples else None
        text = encode_message(PayloadEnvelope(filt, payload), self.form, None, CODEC)
        return self.core.receive(text.encode() if self.framed else text, 0.0)

    def count(self, received: int, sent: int) -> Ending | None:
        return self.core.receive(f"{received},{sent}.", 0.0)

    def take(self) -> list[Any]:
        """What the client writes now: the tuples of its messages."""
        return [
            one.envelope.decode_payload(CODEC).tuples[0] if "payload" in one.text else None
            for one in self.core.take(0.0)
        ]

    def cut(self, code: int = 0) -> None:
        self.core.end(Ending("cut", code), 0.0)


@pytest.fixture
def core() -> Core:
    return Core("uuid", "test", CODEC)


@pytest.fixture
def far(core: Core) -> Far:
    """A server with which a session has begun."""
    far = Far(core)
    far.open()
    far.introduce()
    return far


def send(core: Core, *values: object) -> None:
    for value in values:
        core.outgoing.put(core.encode({"key": "a"}, Payload({"key": "a"}, [value])))


def ask(core: Core, value: object, outcomes: list[Any], *, may_repeat: bool = False) -> None:
    payload = Payload({"key": "a"}, [value])
    _, message = core.request(
        {"key": "a"}, payload, None, 0.0, outcomes.append, may_repeat=may_repeat
    )
    core.outgoing.put(message)


def test_new_session_begins_with_what_waits(core):
    far = Far(core)
    send(core, 1)
    said = far.open()
    assert (said.since, said.attempt, said.received, said.first) == (0, 1, 0, 1)
    far.introduce()
    assert core.losses.take() is None, "there was nothing to lose"
    assert far.take() == [1]


def test_what_has_not_arrived_is_written_again_and_nothing_else(core, far):
    send(core, 1, 2, 3)
    assert far.take() == [1, 2, 3]
    far.cut()
    send(core, 4)
    said = far.open()
    assert (said.since, said.attempt, said.first) == (1, 2, 1)
    far.introduce(resumed=True, received=2)
    assert far.take() == [3, 4]
    assert core.is_resumed
    assert core.losses.take() is None


def test_what_comes_twice_is_delivered_once(core, far):
    heard: list[Any] = []
    core.listeners.add({"key": "p"}, lambda one: heard.append(one.decode_payload(CODEC).tuples[0]))
    far.say({"key": "p"}, 1)
    far.say({"key": "p"}, 2)
    far.cut()
    assert far.open().received == 2
    far.introduce(resumed=True, first=2)
    far.say({"key": "p"}, 2)
    far.say({"key": "p"}, 3)
    assert heard == [1, 2, 3]


def test_gap_and_wrong_counts_end_the_stream(core, far):
    far.say({"key": "p"}, 1)
    assert far.count(0, 2) is not None
    far.cut()
    far.open()
    assert far.introduce(resumed=True, first=3) is not None
    far.cut()
    far.open()
    assert far.introduce(resumed=True, received=1) is not None, "nothing was sent"


def test_closing_message_of_a_response_is_not_counted(core):
    far = Far(core, framed=True)
    far.open()
    far.introduce()
    far.say({"key": CLOSING_KEY, "code": 4007})
    far.cut()
    assert far.open().received == 0


def test_acknowledgement_makes_room_and_ends_waiting(core, far):
    send(core, *range(2500))
    taken = 0
    while batch := far.take():
        taken += len(batch)
    assert taken == 2000
    assert far.count(1500, 0) is None
    assert core.has_news
    assert len(far.take()) == 500
    assert core.unsettled == 1000


def test_arrivals_are_told_after_so_many(core, far):
    for number in range(TELL_MESSAGES):
        assert core.take_beat(0.0) is None
        far.say({"key": "p"}, number)
    assert core.take_beat(0.0) == f"{TELL_MESSAGES},0."
    assert core.take_beat(0.0) is None
    core.ask_counts()
    assert core.take_beat(0.0) == f"{TELL_MESSAGES},0."


def test_over_http_a_post_tells_arrivals(core):
    far = Far(core, framed=True)
    far.open()
    far.introduce()
    for number in range(POST_TELL_MESSAGES):
        assert core.take_beat(0.0) is None
        far.say({"key": "p"}, number)
    assert core.take_beat(0.0) == ""
    assert far.open(continues=True).received == POST_TELL_MESSAGES


def test_over_http_nothing_is_posted_before_the_introduction_of_the_last_post(core):
    far = Far(core, framed=True)
    far.open()
    far.introduce()
    send(core, 1)
    assert far.take() == [1]
    said = far.open(continues=True)
    assert (said.first, said.continues) == (1, True)
    send(core, 2)
    assert far.take() == []
    core.receive(b"", 0.0)
    far.introduce(resumed=True)
    assert far.count(1, 0) is None
    assert far.take() == [2]
    assert far.open(continues=True).first == 2


# Three fates


def test_what_was_never_written_is_written_to_a_new_session(core, far):
    outcomes: list[Any] = []
    ask(core, 1, outcomes)
    far.cut()
    far.open()
    far.introduce(since=2)
    assert far.take() == [1]
    assert outcomes == []


def test_what_may_be_repeated_is_written_again_under_the_same_id(core, far):
    outcomes: list[Any] = []
    ask(core, 1, outcomes, may_repeat=True)
    (first,) = core.take(0.0)
    far.cut()
    far.open()
    far.introduce(since=2)
    (again,) = core.take(0.0)
    assert again.request_id == first.request_id
    assert outcomes == []


def test_of_the_rest_nobody_knows(core, far):
    outcomes: list[Any] = []
    ask(core, 1, outcomes)
    send(core, 2)
    assert far.take() == [1, 2]
    far.cut()
    far.open()
    far.introduce(since=2)
    assert [type(one) for one in outcomes] == [FateUnknown]
    lost = core.losses.take()
    assert lost is not None
    assert (lost.sent, lost.pushes) == (({"key": "a"},), True)
    assert far.take() == []


def test_body_that_was_dropped_is_sent_again(core):
    far = Far(core, framed=True)
    far.open()
    far.introduce()
    outcomes: list[Any] = []
    ask(core, 1, outcomes)
    assert far.take() == [1]
    far.open(continues=True)
    core.receive(b"", 0.0)
    far.introduce(since=2)
    assert outcomes == []
    assert far.take() == [1], "the server says that it has not looked at it"


def test_fate_is_told_when_the_server_has_forgotten_the_session_in_any_case(core, far):
    outcomes: list[Any] = []
    ask(core, 1, outcomes)
    far.take()
    far.cut()
    core.give_up_session(29.0)
    assert outcomes == []
    core.give_up_session(31.0)
    assert [type(one) for one in outcomes] == [FateUnknown]
    assert far.open().since == 0


def test_server_of_the_version_before_has_no_session(core):
    far = Far(core)
    outcomes: list[Any] = []
    far.open()
    far.say({UUID_KEY: "s", NAME_KEY: "its name", VERSION_KEY: 2})
    assert not core.session.is_active
    ask(core, 1, outcomes)
    assert far.take() == [1]
    far.cut()
    assert [type(one) for one in outcomes] == [FateUnknown]


# Messages that streams end with


def test_message_that_is_too_long_for_somebody_between_is_given_up(core, far):
    outcomes: list[Any] = []
    send(core, 1)
    ask(core, 2, outcomes)
    send(core, 3)
    assert far.take() == [1, 2, 3]
    for _ in range(2):
        far.cut(1009)
        far.open()
        far.introduce(resumed=True, received=1)
        written = far.take()
    assert [type(one) for one in outcomes] == [FateUnknown]
    assert written == [None, 3], "an empty message has its number"


def test_body_that_is_too_long_is_halved_and_given_up_alone(core):
    far = Far(core, framed=True)
    far.open()
    far.introduce()
    outcomes: list[Any] = []
    ask(core, 1, outcomes)
    send(core, 2)
    batch = core.take(0.0)
    core.refuse_written(batch, LimitExceeded("too long"))
    (first,) = core.take(0.0)
    assert first.request_id
    core.refuse_written([first], LimitExceeded("too long"))
    assert [type(one) for one in outcomes] == [LimitExceeded]
    assert far.take() == [None, 2]
