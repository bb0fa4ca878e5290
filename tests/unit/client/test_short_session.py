"""What a client writes and counts while no response is delivered before its end."""

import pytest

from django_vortex.client.core import Core
from django_vortex.client.endings import Ending
from django_vortex.client.errors import FateUnknown
from django_vortex.client.outgoing import BATCH_BYTES
from django_vortex.client.requests import Outcome
from django_vortex.client.session import MAX_SHORT_POSTS
from django_vortex.exceptions import LimitExceeded
from django_vortex.wire.codec import Codec
from django_vortex.wire.counts import write_counts
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import NAME_KEY, UUID_KEY, VERSION_KEY, PayloadEnvelope
from django_vortex.wire.messages import encode_message
from django_vortex.wire.opening import SESSION_KEY, Opening, SessionInfo, read_opening

CODEC = Codec()
CUT = Ending("cut")


class FakeServer:
    """What a server says in its responses, and what a client posts to it."""

    def __init__(self) -> None:
        self.core = Core("u-u-i-d", "test", CODEC)
        self.opening = Opening("", 0, 0, 0, 1)

    def post(self, *, continues: bool = True) -> None:
        """Let the client open a POST as `ShortLine` does."""
        said = self.core.session.make_opening(continues=continues, wants_short=True)
        opening = read_opening(said)
        assert opening is not None
        assert opening.wants_short
        assert opening.continues is continues
        self.opening = opening

    def answer(
        self, received: int = 0, *, counts: int | None = None, since: int = 1, resumed: bool = True
    ) -> None:
        """Let a response be delivered, with its counts at the end."""
        core = self.core
        info = SessionInfo(resumed, since, received, 1, 30.0).to_record()
        told = {UUID_KEY: "s", NAME_KEY: "n", VERSION_KEY: 2, SESSION_KEY: info}
        assert core.receive(b"", 0) is None
        text = encode_message(
            PayloadEnvelope(told), WireForm(Dialect.NATIVE, framed=True), None, CODEC
        )
        if counts is not None:
            text += write_counts(counts, 0)
        assert core.receive(text, 0) is None

    def connect(self, received: int = 0, **told: int | bool) -> None:
        self.post(continues=False)
        self.core.begin(0, framed=True)
        self.answer(received, **told)  # type: ignore[arg-type]

    def take(self) -> list[str]:
        """Return the keys of what the client would post now; it opens that POST."""
        batch = self.core.take(0)
        if batch:
            self.post()
        return [str(one.envelope.filt["key"]) for one in batch if one.envelope is not None]

    def put(self, *keys: str) -> None:
        for key in keys:
            self.core.outgoing.put(self.core.encode({"key": key}, None))


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.connect(resumed=False)
    return server


def test_body_begins_at_the_first_message_that_is_not_acknowledged(server):
    server.put("a")
    assert server.take() == ["a"]
    assert server.take() == [], "what is under way is not posted again"
    server.put("b")
    assert server.take() == ["a", "b"]
    assert server.opening.first == 1
    server.answer(counts=1)  # to the POST with a
    server.put("c")
    assert server.take() == ["b", "c"]
    assert server.opening.first == 2
    server.answer(1, counts=2)
    server.answer(2, counts=3)
    assert server.core.unsettled == 0


def test_info_of_a_response_says_nothing_of_what_was_posted_behind_it(server):
    server.post()
    server.put("a")
    assert server.take() == ["a"]
    server.answer(0)  # to the empty POST
    assert server.take() == [], "it is not lost"
    server.answer(0, counts=1)
    assert server.core.unsettled == 0


def test_messages_wait_while_too_many_posts_are_unanswered(server):
    server.post()
    for number in range(1, MAX_SHORT_POSTS):
        server.put(str(number))
        assert server.take()
    server.put("waits")
    assert server.take() == []
    server.core.has_news = False
    assert server.core.receive(b"", 0) is None  # overtaken, or begun
    assert server.core.has_news
    assert server.take()[-1] == "waits"


def test_what_does_not_fit_into_a_body_waits_for_counts(server):
    text = "x" * (BATCH_BYTES // 2)
    for key in ("a", "b", "c"):
        server.core.outgoing.put(server.core.encode({"key": key, "text": text}, None))
    assert server.take() == ["a"]
    assert server.take() == [], "two are longer than a body may be"
    server.answer(counts=1)
    assert server.take() == ["b"]


def test_arrivals_are_told_by_posts_alone(server):
    assert not server.core.is_beat_due
    assert server.core.take_beat(0) is None


def test_all_is_written_anew_after_a_cut(server):
    server.put("a", "b")
    assert server.take() == ["a", "b"]
    server.core.end(CUT, 0)
    server.put("c")
    server.connect(1)
    assert server.take() == ["b", "c"]
    assert server.opening.first == 2


def test_session_that_was_lost_is_not_begun_over_and_over(server):
    outcomes: list[Outcome] = []
    _, message = server.core.request({"key": "a"}, None, None, 0, outcomes.append)
    server.core.outgoing.put(message)
    server.post()
    assert server.take() == ["a"]
    server.answer(since=2, resumed=False)  # to the empty POST; the other one names what is gone
    assert isinstance(outcomes[0], FateUnknown)
    server.put("b")
    assert server.take() == []
    server.answer(since=3, resumed=False)
    assert server.take() == ["b"]
    assert (server.opening.since, server.opening.first) == (3, 1)


def test_body_that_is_too_long_is_halved(server):
    server.put("a", "b", "c", "d")
    batch = server.core.take(0)
    server.post()
    server.core.refuse_posted([one.text for one in batch], LimitExceeded("too long"))
    server.core.receive(b"", 0)
    assert server.take() == ["a", "b"]


def test_message_that_is_too_long_alone_is_given_up_under_its_number(server):
    outcomes: list[Outcome] = []
    _, message = server.core.request({"key": "a"}, None, None, 0, outcomes.append)
    server.core.outgoing.put(message)
    (taken,) = server.core.take(0)
    server.post()
    error = LimitExceeded("too long")
    server.core.refuse_posted([taken.text], error)
    server.core.receive(b"", 0)
    assert outcomes == [error]
    server.put("b")
    batch = server.core.take(0)
    assert [one.envelope.filt.get("key") for one in batch if one.envelope] == [None]
    server.post()
    server.answer(counts=1)
    assert server.take() == ["b"]
    assert server.opening.first == 2
