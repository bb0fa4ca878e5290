"""What each kind of peer is told of each kind of error."""

import json
from typing import Any

import pytest

from django_vortex.exceptions import (
    Conflict,
    HandlerError,
    InternalError,
    LimitExceeded,
    MalformedMessage,
    NotFound,
    PeerError,
    PermissionDenied,
    ShuttingDown,
    TooManyPeers,
    TryAgain,
    UnknownEndpoint,
    UnknownTupleType,
    ValidationError,
)
from django_vortex.field_errors import MAX_TOLD_ERRORS, MAX_TOLD_MESSAGES
from django_vortex.routing.failures import error_text, make_result
from django_vortex.tuples import Tuple, TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect


class Pair(Tuple):
    a: int
    b: int


OLD = [Dialect.D0, Dialect.D1, Dialect.D1B, Dialect.D2]


class OutOfStock(HandlerError):
    """An error of an application, with a code and a part of its own."""

    code = "out-of-stock"

    @property
    def parts(self) -> dict[str, Any]:
        return {"left": 3, "text": "is not overwritten"}


WRONG = {"index": 1, "field": "title", "messages": ["Too long"]}

TOLD = [
    (PermissionDenied("Not you"), {"error": "permission", "text": "Not you"}),
    (NotFound(), {"error": "not-found", "text": "Not found"}),
    (
        ValidationError(errors=[WRONG]),
        {"error": "validation", "text": "Tuple 1, field 'title': Too long", "errors": [WRONG]},
    ),
    (ValidationError("No"), {"error": "validation", "text": "No", "errors": []}),
    (Conflict("Too late"), {"error": "conflict", "text": "Too late"}),
    (HandlerError("No"), {"error": "refused", "text": "No"}),
    (OutOfStock("Only three"), {"error": "out-of-stock", "text": "Only three", "left": 3}),
    (
        MalformedMessage("Message is not JSON"),
        {"error": "malformed", "text": "Message is not JSON", "path": "$"},
    ),
    (LimitExceeded("Too big"), {"error": "limit", "text": "Too big", "path": "$"}),
    (
        UnknownTupleType("Unknown tuple type 'x'", "$.tuples[0]"),
        {
            "error": "unknown-type",
            "text": "Unknown tuple type 'x' - at `$.tuples[0]`",
            "path": "$.tuples[0]",
        },
    ),
    (UnknownEndpoint("Nobody"), {"error": "no-endpoint", "text": "Nobody", "path": "$"}),
    (
        TooManyPeers("Slower", retry_after=2.5),
        {"error": "rate", "text": "Slower", "retry_after": 2.5},
    ),
    (ShuttingDown(), {"error": "shutting-down", "text": "The server is shutting down"}),
    (
        InternalError("abc123"),
        {"error": "internal", "text": "The server could not answer (ref abc123)", "ref": "abc123"},
    ),
]


@pytest.mark.parametrize(("error", "told"), TOLD, ids=lambda one: type(one).__name__)
def test_our_own_clients_get_code_text_and_parts(error: PeerError, told: dict[str, Any]) -> None:
    assert make_result(error, Dialect.NATIVE) == told


@pytest.mark.parametrize("dialect", OLD)
@pytest.mark.parametrize(("error", "told"), TOLD, ids=lambda one: type(one).__name__)
def test_released_clients_get_the_text(
    error: PeerError, told: dict[str, Any], dialect: Dialect
) -> None:
    assert make_result(error, dialect) == told["text"]


def test_a_database_that_is_busy_says_that_nothing_is_done() -> None:
    told = make_result(TryAgain(), Dialect.NATIVE)
    assert told["error"] == "busy"
    assert "has changed nothing" in told["text"]


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("$.tuples[2].age", "age", "Expected `int`"),
        ("$.tuples[2].tags[1]", "tags", "Expected `int` - at `tags[1]`"),
        ("$.tuples[2].owner.age", "owner", "Expected `int` - at `owner.age`"),
    ],
)
def test_a_value_that_a_field_cannot_have_is_told_by_field(
    path: str, field: str, message: str
) -> None:
    error = MalformedMessage("Expected `int`", path)
    assert make_result(error, Dialect.NATIVE) == {
        "error": "validation",
        "text": f"Expected `int` - at `{path}`",
        "errors": [{"index": 2, "field": field, "messages": [message]}],
    }
    assert make_result(error, Dialect.D2) == f"Expected `int` - at `{path}`"


@pytest.mark.parametrize(
    "error",
    [
        MalformedMessage("Expected an object", "$.tuples[2]"),
        MalformedMessage("Expected an object", "$.filt.age"),
        LimitExceeded("Too deep", "$.tuples[2].age"),
        UnknownTupleType("Unknown tuple type", "$.tuples[2].owner"),
    ],
)
def test_what_is_wrong_elsewhere_is_no_validation_error(error: PeerError) -> None:
    told = make_result(error, Dialect.NATIVE)
    assert told["error"] == error.code != "validation"


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"fields": ["a", "b"], "columns": [[1, 2], [1]]}, "$.tuples[1].columns[1]"),
        ({"fields": ["a"], "columns": [5]}, "$.tuples[1].columns[0]"),
        ({"fields": ["a"], "columns": []}, "$.tuples[1].columns"),
        ({"fields": "a", "columns": []}, "$.tuples[1].fields"),
        ({"fields": ["a", "a"], "columns": [[], []]}, "$.tuples[1].fields"),
    ],
)
def test_columns_that_are_none_are_malformed_and_no_error_of_a_field(wrong: Any, path: str) -> None:
    registry = TupleRegistry()
    registry.add("board.Pair", Pair)
    columns = {"_ct": "rts", "_c": "board.Pair", **wrong}
    text = json.dumps({"tuples": ["x", columns]}).encode()
    with pytest.raises(MalformedMessage) as caught:
        Codec(registry).decode_inflated(text, Dialect.NATIVE)
    told = make_result(caught.value, Dialect.NATIVE)
    assert told == {"error": "malformed", "text": str(caught.value), "path": path}


def test_an_answer_does_not_repeat_all_of_many_and_long_errors() -> None:
    messages = ["x" * 1000] * (MAX_TOLD_MESSAGES + 1)
    errors = [{"index": 0, "field": "y" * 1000, "messages": messages}] * (MAX_TOLD_ERRORS + 1)
    told = make_result(ValidationError(errors=errors), Dialect.NATIVE)
    assert len(told["errors"]) == MAX_TOLD_ERRORS
    assert len(told["errors"][0]["messages"]) == MAX_TOLD_MESSAGES
    assert len(str(told["errors"][0])) < 4_000
    assert "and 81 more" in told["text"]


@pytest.mark.parametrize(
    "given",
    [
        {"messages": ["No"]},
        {"messages": "No"},
        {"messages": ("No",), "field": None},
        {"messages": ["No"], "index": None, "field": ""},
    ],
)
def test_an_error_may_be_written_in_short(given: dict[str, Any]) -> None:
    error = ValidationError(errors=[given])
    assert error.parts == {"errors": [{"index": None, "field": "", "messages": ["No"]}]}
    assert str(error) == "No"


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (ValidationError({"title": ["No"], "": "Nor this"}), {"title": ["No"], "": ["Nor this"]}),
        (ValidationError(errors={"title": "No"}), {"title": ["No"]}),
        (ValidationError(["No", "Nor this"]), {"": ["No", "Nor this"]}),
    ],
)
@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
def test_errors_may_be_given_by_field(
    error: ValidationError, fields: dict[str, list[str]], dialect: Dialect
) -> None:
    told = make_result(error, dialect)
    if dialect is Dialect.NATIVE:
        assert [(one["index"], one["field"], one["messages"]) for one in told["errors"]] == [
            (None, name, messages) for name, messages in fields.items()
        ]
        told = told["text"]
    assert told.endswith(("No", "Nor this"))
    assert "{" not in told and "[" not in told


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValidationError("Too long"), "Too long"),
        (PermissionDenied(), "Permission denied"),
        (HandlerError(), "Handler error"),
        (type("NoSuchRow", (HandlerError,), {})(), "No such row"),
    ],
)
def test_an_error_always_has_a_text(error: HandlerError, text: str) -> None:
    assert error_text(error) == text
