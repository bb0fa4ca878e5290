"""The one answer to a request that failed."""

from typing import Any

import pytest

from django_vortex.exceptions import Conflict, ValidationError
from django_vortex.orm.crud.failure import make_failure
from django_vortex.tuples import TupleSelector
from django_vortex.wire.dialects import Dialect
from tests.support.routing import Bench

OLD = [Dialect.D0, Dialect.D1, Dialect.D1B, Dialect.D2]
FILT = {"key": "tickets"}
ROW = TupleSelector("current", {})

WRONG = ValidationError(errors=[{"index": 1, "field": "title", "messages": ["Too long"]}])
LATE = Conflict("Too late", [ROW])


def test_our_own_clients_get_the_parts(bench: Bench):
    reply = make_failure(WRONG, bench.request(FILT))
    assert reply.result == {
        "error": "validation",
        "text": "Tuple 1, field 'title': Too long",
        "errors": WRONG.errors,
    }
    assert make_failure(LATE, bench.request(FILT)).result == {
        "error": "conflict",
        "text": "Too late",
    }


@pytest.mark.parametrize("dialect", OLD)
def test_released_clients_get_a_text(bench: Bench, dialect: Dialect):
    request = bench.request(FILT, dialect=dialect)
    assert make_failure(WRONG, request).result == "Tuple 1, field 'title': Too long"
    assert make_failure(LATE, request).result == "Too late"


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, *OLD])
def test_a_conflict_comes_with_the_rows_and_nothing_else_does(bench: Bench, dialect: Dialect):
    request = bench.request(FILT, dialect=dialect)
    assert make_failure(LATE, request).decode_payload(bench.codec).tuples == [ROW]
    for error in (WRONG, Conflict("Too late")):
        assert not make_failure(error, request).has_payload


@pytest.mark.parametrize("error", [WRONG, LATE])
def test_the_filt_is_left_to_whoever_replies(bench: Bench, error: Any):
    assert make_failure(error, bench.request(FILT)).filt == {}
