"""What is listed where, and how errors are put."""

import datetime
from typing import Any

import pytest

from django_vortex.exceptions import Conflict, PermissionDenied
from django_vortex.routing.replies import (
    MAX_TUPLES_ON_LOOP,
    Work,
    estimate_work,
    is_reply,
    list_payload,
    make_answer,
    make_failure,
    make_reply,
)
from django_vortex.tuples import Tuple, TupleSelector
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from tests.support.routing import NOON, Bench


class Point(Tuple):
    x: int = 0


class Row:
    """A row of an ORM: reading it may ask the database."""


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (None, Work.SMALL),
        ([], Work.SMALL),
        (["a", 1, None, b"", Point(), {"a": [1]}, NOON, datetime.date(2024, 1, 2)], Work.SMALL),
        ((1, 2), Work.SMALL),
        ("text" * 1000, Work.SMALL),
        (TupleSelector("t.A"), Work.SMALL),
        (Payload(tuples=[1]), Work.SMALL),
        (PayloadEnvelope({"key": "k"}, result="text"), Work.SMALL),
        (PayloadEnvelope(payload=Payload()), Work.BLOCKING),
        ([Row()], Work.BLOCKING),
        (Row(), Work.BLOCKING),
        (Payload(tuples=[Row()]), Work.BLOCKING),
        (range(3), Work.BLOCKING),
        (iter([1]), Work.BLOCKING),
        (Payload(tuples=range(3)), Work.BLOCKING),
        ([1] * MAX_TUPLES_ON_LOOP, Work.SMALL),
        ([1] * (MAX_TUPLES_ON_LOOP + 1), Work.LARGE),
        ([Row()] * (MAX_TUPLES_ON_LOOP + 1), Work.BLOCKING),
        ([[[]] * 100_000], Work.LARGE),
        ({"a": {"b": [[0] * 100_000]}}, Work.LARGE),
        ([Point(x=[[]] * 10_000)], Work.LARGE),
        (Payload(tuples=["x" * 1_000_000]), Work.LARGE),
        ("x" * 1_000_000, Work.LARGE),
    ],
)
def test_work_is_estimated_by_what_is_lazy_long_or_of_an_orm(result: Any, expected: Work) -> None:
    assert estimate_work(result) is expected


@pytest.mark.parametrize(
    ("result", "tuples"),
    [
        (None, []),
        ("ab", ["ab"]),
        ({"a": 1}, [{"a": 1}]),
        (Point(x=1), [Point(x=1)]),
        (range(2), [0, 1]),
        (Payload(tuples=range(2)), [0, 1]),
    ],
)
def test_everything_has_a_list_of_tuples(result: Any, tuples: list[Any]) -> None:
    assert list_payload(result).tuples == tuples


def test_a_list_is_copied_and_filt_and_date_are_kept() -> None:
    tuples = [1]
    payload = list_payload(Payload({"key": "inner"}, tuples, NOON))
    payload.tuples.append(2)
    assert tuples == [1]
    assert (payload.filt, payload.date) == ({"key": "inner"}, NOON)


def test_the_answer_to_nobody_who_waits_is_none(bench: Bench) -> None:
    assert make_reply(None, bench.request({"key": "k"}), NOON) is None


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("result", [None, True])
def test_an_answer_is_the_reply_that_would_be_made_of_it(
    bench: Bench, dialect: Dialect, result: Any
) -> None:
    row = TupleSelector("current", {})
    request = bench.request({"key": "k"}, dialect=dialect)
    answer = make_answer([row], request, NOON, result=result)
    assert is_reply(answer, request)
    assert make_reply(answer, request, NOON) is answer
    made = make_reply(PayloadEnvelope({}, Payload(tuples=[row]), result=result), request, NOON)
    assert made is not None
    assert (made.filt, made.result) == (answer.filt, answer.result)
    assert made.encoded(bench.codec, dialect, NOON) == answer.encoded(bench.codec, dialect, NOON)
    assert answer.decode_payload(bench.codec).tuples == [row]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_conflict_comes_with_the_tuples_and_nothing_else_does(
    bench: Bench, dialect: Dialect
) -> None:
    row = TupleSelector("current", {})
    request = bench.request({"key": "k"}, dialect=dialect)
    reply = make_failure(Conflict("Too late", [row]), request, NOON)
    assert reply.decode_payload(bench.codec).tuples == [row]
    assert reply.filt == request.reply_filt
    for error in (PermissionDenied("No"), Conflict("Too late")):
        assert not make_failure(error, request, NOON).has_payload
