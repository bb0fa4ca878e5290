"""What handlers get to know of a request."""

import pytest

from django_vortex.wire.dialects import Dialect
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.routing import BROWSER, Bench


def test_a_request_shows_what_came(bench: Bench) -> None:
    request = bench.request({"key": "k", "id": 7}, ["a", 1], result="late")
    assert request.filt == {"key": "k", "id": 7}
    assert request.tuples == ["a", 1]
    assert request.payload.filt == {"key": "k", "id": 7}
    assert request.result == "late"
    assert request.peer is BROWSER
    assert request.user is None
    assert not request.is_push


def test_a_payload_is_decoded_once(bench: Bench) -> None:
    request = bench.request({"key": "k"}, ["a"])
    assert request.payload is request.payload
    request.tuples.append("b")
    assert request.tuples == ["a", "b"]


def test_a_request_without_payload_has_no_tuples(bench: Bench) -> None:
    assert bench.request({"key": "k"}).tuples == []


def test_a_request_for_another_has_a_payload_of_its_own(bench: Bench) -> None:
    request = bench.request({"key": "k"}, ["a"])
    request.tuples.append("b")
    other = request.for_another()
    assert other.tuples == ["a"]
    assert (other.filt, other.peer, other.dialect) == (request.filt, request.peer, request.dialect)


def test_what_waits_for_the_answer_is_called_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[int] = []
    request = bench.request({"key": "k"})
    assert not request.is_waited_for
    request.call_when_answered(lambda: called.append(1))
    request.call_when_answered(lambda: [].pop())
    request.call_when_answered(lambda: called.append(2))
    assert request.is_waited_for
    request.call_waiting()
    request.call_waiting()
    assert called == [1, 2]
    assert len(caplog.records) == 1


def test_what_waits_for_one_of_several_answers_waits_for_all(bench: Bench) -> None:
    called: list[str] = []
    request = bench.request({"key": "k"})
    request.for_another().call_when_answered(lambda: called.append("one"))
    request.for_another().call_when_answered(lambda: called.append("other"))
    request.call_waiting()
    assert called == ["one", "other"]


def test_those_wait_who_have_marked_their_message(bench: Bench) -> None:
    assert bench.request({"key": "k", MESSAGE_ID: "m"}).wants_reply
    assert bench.request({"key": "k"}, dialect=Dialect.D0, reply_filt={"key": "b"}).wants_reply
    assert not bench.request({"key": "k"}).wants_reply
    assert not bench.request({"key": "k"}, dialect=Dialect.D0).wants_reply


def test_a_request_shows_neither_payload_nor_uuid(bench: Bench) -> None:
    assert repr(bench.request({"key": "k"}, ["secret"])) == "<Request {'key': 'k'} from 'browser'>"
