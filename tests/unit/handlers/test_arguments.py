"""Arguments of queries: which there may be, and what is taken for them."""

import datetime as dt
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import DefinitionError, ValidationError
from django_vortex.handlers.arguments import Arguments
from django_vortex.tuples import Tuple, TupleRegistry, tuple_type

DAY = dt.date(2024, 1, 2)
NOON = dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC)
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
Number = NewType("Number", int)


class State(enum.Enum):
    OPEN = "open"
    CLOSED = "closed"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    NUMBER = 1
    DAY = DAY


class Unsent(enum.Enum):
    ONE = object()


@dataclass
class Place:
    name: str = ""


class Stranger(Tuple):
    name: str


@pytest.fixture
def tuples() -> TupleRegistry:
    fresh = TupleRegistry()
    tuple_type("t.Place", registry=fresh)(Place)
    return fresh


def read_one(declared: Any, value: Any, tuples: TupleRegistry, *, is_native: bool = True) -> Any:
    def function(request: Any, *, value: Any) -> None: ...

    function.__annotations__["value"] = declared
    arguments = Arguments(function, tuples, "q")
    return arguments.read({"key": "q", "value": value}, is_native=is_native)["value"]


def problem_of(declared: Any, value: Any, tuples: TupleRegistry, *, is_native: bool = True) -> str:
    with pytest.raises(ValidationError) as caught:
        read_one(declared, value, tuples, is_native=is_native)
    [error] = caught.value.errors
    assert error["field"] == "value"
    [message] = error["messages"]
    assert str(caught.value) == f"Argument 'value': {message}"
    return message


OWN = [
    (bool, True, True),
    (int, 5, 5),
    (int, 2**70, 2**70),
    (float, 1.5, 1.5),
    (str, "", ""),
    (bytes, b"x", b"x"),
    (dt.datetime, NOON, NOON),
    (dt.date, DAY, DAY),
    (dt.time, dt.time(1), dt.time(1)),
    (dt.timedelta, dt.timedelta(1), dt.timedelta(1)),
    (Decimal, Decimal("1.10"), Decimal("1.10")),
    (uuid.UUID, ID, ID),
    (State, "open", State.OPEN),
    (Level, 2, Level.HIGH),
    (Mixed, DAY, Mixed.DAY),
    (int | None, None, None),
    (int | None, 3, 3),
    (list[int], [1, 2], [1, 2]),
    (list[State], ["closed"], [State.CLOSED]),
    (list[int | None] | None, [1, None], [1, None]),
    (list[list[str]], [["a"]], [["a"]]),
    (Number, 7, 7),
    (Annotated[int, "metres"], 7, 7),
]


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize(("declared", "value", "meant"), OWN)
def test_a_value_of_the_type_is_taken(
    tuples: TupleRegistry, declared: Any, value: Any, meant: Any, is_native: bool
) -> None:
    found = read_one(declared, value, tuples, is_native=is_native)
    assert (found, type(found)) == (meant, type(meant))


def test_a_registered_tuple_is_taken(tuples: TupleRegistry) -> None:
    place = Place("here")
    assert read_one(Place, place, tuples) is place
    assert problem_of(Place, Stranger(name="x"), tuples).startswith("Expected `Place`")


def test_a_whole_number_is_a_float_too_since_a_browser_has_no_other(tuples: TupleRegistry) -> None:
    found = read_one(float, 5, tuples)
    assert (found, type(found)) == (5.0, float)


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        (str, 5, "Expected `str`, got 5"),
        (int, True, "Expected `int`, got True"),
        (int, 5.0, "Expected `int`, got 5.0"),
        (int, "5", "Expected `int`, got '5'"),
        (float, True, "Expected `float`, got True"),
        (bool, 1, "Expected `bool`, got 1"),
        (int, None, "Expected `int`, got None"),
        (Decimal, 1.5, "Expected `Decimal`, got 1.5"),
        (uuid.UUID, str(ID), f"Expected `UUID`, got '{ID}'"),
        (dt.date, "2024-01-02", "Expected `date`, got '2024-01-02'"),
        (dt.date, NOON, None),
        (dt.datetime, DAY, None),
        (State, "opn", "Expected `'open', 'closed'`, got 'opn'"),
        (State, None, "Expected `'open', 'closed'`, got None"),
        (State, ["open"], "Expected `'open', 'closed'`, got ['open']"),
        (Level, True, "Expected `1, 2`, got True"),
        (Level, 1.0, "Expected `1, 2`, got 1.0"),
        (list[int], 1, "Expected `list`, got 1"),
        (list[int], [1, "2"], "Expected `int`, got '2' - at `value[1]`"),
        (list[list[int]], [[1], [1, None]], "Expected `int`, got None - at `value[1][1]`"),
    ],
)
def test_nothing_else_is_taken_from_our_own_dialect(
    tuples: TupleRegistry, declared: Any, value: Any, text: str | None
) -> None:
    found = problem_of(declared, value, tuples)
    assert text is None or found == text


@pytest.mark.parametrize(
    ("declared", "value", "meant"),
    [
        (int, 5.0, 5),
        (float, 5, 5.0),
        (Decimal, 1.5, Decimal("1.5")),
        (Decimal, "1.10", Decimal("1.10")),
        (uuid.UUID, str(ID), ID),
        (dt.date, NOON, DAY),
        (dt.date, "2024-01-02", DAY),
        (dt.datetime, "2024-01-02T12:00:00+00:00", NOON),
        (dt.datetime, "2024-01-02T12:00:00.000Z", NOON),
        (dt.time, "01:00:00", dt.time(1)),
        (dt.timedelta, 1.5, dt.timedelta(seconds=1.5)),
        (bytes, "eA==", b"x"),
        (Mixed, "2024-01-02", Mixed.DAY),
        (Level, 2.0, Level.HIGH),
        (list[Decimal], [1, "2"], [Decimal(1), Decimal(2)]),
        (dt.date | None, "2024-01-02", DAY),
    ],
)
def test_released_clients_send_the_nearest_value(
    tuples: TupleRegistry, declared: Any, value: Any, meant: Any
) -> None:
    found = read_one(declared, value, tuples, is_native=False)
    assert (found, type(found)) == (meant, type(meant))
    with pytest.raises(ValidationError):
        if (declared, value) == (float, 5):
            raise ValidationError  # taken from everybody
        read_one(declared, value, tuples)


@pytest.mark.parametrize(
    ("declared", "value"),
    [(str, 5), (int, True), (int, ""), (int, 1.5), (bool, 1), (dt.date, "soon"), (State, 1)],
)
def test_released_clients_are_told_what_is_wrong(
    tuples: TupleRegistry, declared: Any, value: Any
) -> None:
    assert problem_of(declared, value, tuples, is_native=False).startswith("Expected ")


def test_every_problem_is_told_by_name(tuples: TupleRegistry) -> None:
    def function(request: Any, *, state: str, limit: int, day: dt.date = DAY) -> None: ...

    arguments = Arguments(function, tuples, "q")
    assert arguments.read({"key": "q", "state": "a", "limit": 1}, is_native=True) == {
        "state": "a",
        "limit": 1,
    }
    with pytest.raises(ValidationError) as caught:
        arguments.read({"key": "q", "stat": "a", "limit": "x", 5: 6}, is_native=True)
    assert {error["field"]: error["messages"] for error in caught.value.errors} == {
        "stat": ["There is no such argument. Did you mean 'state'?"],
        "limit": ["Expected `int`, got 'x'"],
        "5": ["There is no such argument"],
        "state": ["It is required"],
    }
    assert "Argument 'limit': Expected `int`, got 'x'" in str(caught.value)


def test_what_messages_carry_for_themselves_is_no_argument(tuples: TupleRegistry) -> None:
    def function(request: Any, *, state: str = "open") -> None: ...

    filt = {"key": "q", "PayloadResponse.messageId": "m", "rapuiServerEcho": 1}
    assert Arguments(function, tuples, "q").read(filt, is_native=True) == {}


def test_what_a_function_does_with_a_list_changes_no_filt(tuples: TupleRegistry) -> None:
    sent = [1, 2]
    found = read_one(list[int], sent, tuples)
    found.append(3)
    assert sent == [1, 2]


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        (object, "object"),
        (Any, "Any"),
        (dict[str, int], "dict[str, int]"),
        (dict, "dict"),
        (list, "list"),
        (tuple[int, ...], "tuple[int, ...]"),
        (set[int], "set[int]"),
        (int | str, "int | str"),
        (Literal["a"], "typing.Literal['a']"),
        (None, "NoneType"),
        (Stranger, "Stranger"),
        (list[Stranger], "Stranger"),
        (Unsent, "Unsent"),
    ],
)
def test_a_type_that_does_not_travel_is_an_error_at_import(
    tuples: TupleRegistry, declared: Any, named: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        read_one(declared, None, tuples)
    assert str(caught.value).startswith(f"q: 'value' is of type {named}, ")


def no_request() -> None: ...
def only_keywords(*, state: str) -> None: ...
def anything(*arguments: Any) -> None: ...
def positional(request: Any, state: str) -> None: ...
def any_more(request: Any, *states: str) -> None: ...
def any_keywords(request: Any, **states: str) -> None: ...
def untyped(request: Any, *, state) -> None: ...  # type: ignore[no-untyped-def]
def unknown(request: Any, *, state: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def key(request: Any, *, key: str) -> None: ...
def hidden(request: Any, *, _state: str) -> None: ...
def number(request: Any, *, inf: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (no_request, "takes the request as its first argument, before `*`"),
        (only_keywords, "takes the request as its first argument, before `*`"),
        (anything, "takes the request as its first argument, before `*`"),
        (positional, "clients name arguments, so put 'state' after `*`: (request, *, state)"),
        (any_more, "takes any arguments (*states: str): declare each of them"),
        (any_keywords, "takes any arguments (**states: str): declare each of them"),
        (untyped, "needs the type of 'state', as in state: str"),
        (unknown, "has an annotation that cannot be read: name 'Nowhere' is not defined"),
        (key, "no argument can be called 'key', which does not arrive under this name"),
        (hidden, "no argument can be called '_state', which does not arrive under this name"),
        (number, "no argument can be called 'inf', which does not arrive under this name"),
    ],
)
def test_arguments_that_nobody_could_send_are_an_error_at_import(
    tuples: TupleRegistry, function: Any, text: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        Arguments(function, tuples, "q")
    assert text in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
DECLARED = [one for one, *_ in OWN]


@given(value=JSON, declared=st.sampled_from(DECLARED), is_native=st.booleans())
def test_whatever_is_sent_is_an_argument_or_a_clear_error(
    value: Any, declared: Any, is_native: bool
) -> None:
    try:
        read_one(declared, value, TupleRegistry(), is_native=is_native)
    except ValidationError as error:
        assert str(error).startswith("Argument 'value': Expected ")
