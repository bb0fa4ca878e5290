"""Errors of the server arrive as what its handlers raised."""

import pytest

from django_vortex import (
    Conflict,
    NotFound,
    Payload,
    PayloadEnvelope,
    PermissionDenied,
    ValidationError,
    client,
    exceptions,
)
from django_vortex.client import errors
from django_vortex.client.answers import read_answer, read_error
from django_vortex.client.errors import RemoteError
from django_vortex.exceptions import (
    EvaluationTimeout,
    HandlerError,
    InternalError,
    LimitExceeded,
    MalformedMessage,
    PeerError,
    ShuttingDown,
    TooManyRequests,
    TryAgain,
    UnknownEndpoint,
    UnknownOutcome,
    UnknownTupleType,
)
from django_vortex.routing.failures import make_result
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect

ERRORS = [
    ValidationError(errors=[{"index": 0, "field": "age", "messages": ["Too old"]}]),
    PermissionDenied("No"),
    NotFound("Gone"),
    TryAgain(),
    TooManyRequests(7),
    EvaluationTimeout(2.5),
    UnknownOutcome("5f1c0a"),
    InternalError("5f1c0a"),
    ShuttingDown(),
    MalformedMessage("Expected `int`", "$.filt.id"),
    LimitExceeded("Too long"),
    UnknownTupleType("Unknown tuple type 'a'", "$.tuples[0]"),
    UnknownEndpoint("No handler"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_error_arrives_as_it_was_raised(error: PeerError) -> None:
    envelope = PayloadEnvelope(result=make_result(error, Dialect.NATIVE))
    read = read_error(envelope, Codec())
    assert type(read) is type(error)
    assert str(read) == str(error)
    assert read.parts == error.parts


def test_conflict_carries_the_stored_row() -> None:
    result = make_result(Conflict("Changed"), Dialect.NATIVE)
    read = read_error(PayloadEnvelope(result=result, payload=Payload(tuples=["row"])), Codec())
    assert isinstance(read, Conflict)
    assert read.tuples == ["row"]


def test_other_codes_and_bare_texts_are_remote_errors() -> None:
    read = read_error(PayloadEnvelope(result={"error": "mine", "text": "So", "n": 1}), Codec())
    assert isinstance(read, RemoteError)
    assert (read.code, str(read), read.parts) == ("mine", "So", {"n": 1})
    read = read_error(PayloadEnvelope(result="as text"), Codec())
    assert isinstance(read, HandlerError)
    assert (read.code, str(read)) == ("refused", "as text")


@pytest.mark.parametrize("parts", [{"errors": 5}, {"errors": [5]}, {"errors": {"a": None}}])
def test_odd_parts_are_told_all_the_same(parts: dict) -> None:
    result = {"error": "validation", "text": "Wrong", **parts}
    assert str(read_error(PayloadEnvelope(result=result), Codec())) == "Wrong"


@pytest.mark.parametrize("result", [None, True])
def test_success_gives_the_payload(result: object) -> None:
    envelope = PayloadEnvelope(result=result, payload=Payload(tuples=[1]))
    assert read_answer(envelope, Codec()).tuples == [1]


ONLY_OF_SERVERS = {
    *("UnknownField", "LoadsOnLoop", "DeliveryError"),
    *("RefusedError", "InvalidCredentials", "TooManyPeers", "TakenByAnother"),
    "StaleStream",
}
"""Errors that no program gets which only connects."""


def test_everything_that_a_program_catches_is_in_one_place() -> None:
    found = {
        name
        for module in (exceptions, errors)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert {kind.__name__ for kind in map(type, ERRORS)} <= found
    assert found - ONLY_OF_SERVERS - set(dir(__builtins__)) <= set(client.__all__)
    assert all(hasattr(client, name) for name in client.__all__)
