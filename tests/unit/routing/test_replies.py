"""What is listed where, and how errors are put."""

import datetime
from typing import Any

import pytest

from django_vortex.exceptions import Conflict, PermissionDenied
from django_vortex.routing.replies import (
    MAX_TUPLES_ON_LOOP,
    list_payload,
    make_failure,
    make_reply,
    may_block,
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
        (None, False),
        ([], False),
        (["a", 1, None, b"", Point(), {"a": [1]}, NOON, datetime.date(2024, 1, 2)], False),
        ((1, 2), False),
        ("text" * 1000, False),
        (TupleSelector("t.A"), False),
        (Payload(tuples=[1]), False),
        (PayloadEnvelope({"key": "k"}, result="text"), False),
        (PayloadEnvelope(payload=Payload()), True),
        ([Row()], True),
        (Row(), True),
        (Payload(tuples=[Row()]), True),
        (range(3), True),
        (iter([1]), True),
        (Payload(tuples=range(3)), True),
        ([1] * MAX_TUPLES_ON_LOOP, False),
        ([1] * (MAX_TUPLES_ON_LOOP + 1), True),
    ],
)
def test_what_is_lazy_long_or_of_an_orm_may_block(result: Any, expected: bool) -> None:
    assert may_block(result) is expected


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
