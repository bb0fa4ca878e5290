"""Functions that answer: what they are asked, and what their results are."""

import datetime as dt
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

import django_vortex
from django_vortex.exceptions import DefinitionError, HandlerError
from django_vortex.handlers.declared_query import find_queries
from django_vortex.handlers.model_handler import ModelHandler
from django_vortex.handlers.query import query
from django_vortex.routing.endpoint import describe_handler, endpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import IsStaff
from django_vortex.routing.registered import Registered
from django_vortex.routing.replies import is_one
from django_vortex.routing.request import Request
from django_vortex.routing.watchable import PER_USER, Watchable
from django_vortex.testing import connect
from django_vortex.tuples import TupleRegistry, tuple_type
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload
from tests.support.routing import Bench
from tests.support.told import text_of

RELEASED = [Dialect.D1, Dialect.D2]


async def tuples_of(bench: Bench, dialect: Dialect = Dialect.NATIVE, **members: Any) -> list[Any]:
    reply = await bench.ask_one({"key": "q", **members}, dialect=dialect)
    assert reply.result is None, reply.result
    return bench.tuples_of(reply, dialect) if reply.has_payload else []


def find_endpoints(bench: Bench) -> list[Registered]:
    """Return the endpoints of queries, and not of what observes them."""
    return [one for one in bench.payload_io.endpoints if "name" not in one.filt]


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, *RELEASED])
async def test_members_of_the_filt_are_the_arguments(bench: Bench, dialect: Dialect) -> None:
    @query("q", payload_io=bench.payload_io)
    def answer(request: Request, *, state: str, limit: int = 5) -> list[Any]:
        assert bench.sync.is_running
        return [state, limit]

    assert await tuples_of(bench, dialect, state="open") == ["open", 5]
    assert await tuples_of(bench, dialect, state="open", limit=7) == ["open", 7]


@tuple_type("t.QueriedPlace")
@dataclass
class Place:
    name: str = ""
    size: int = 0


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, *RELEASED])
def test_arguments_of_all_kinds_cross_the_wire(dialect: Dialect) -> None:
    payload_io = PayloadIO()
    called: list[Any] = []

    @query("q", payload_io=payload_io)
    def answer(
        request: Request, *, place: Place, day: dt.date, price: Decimal, more: list[Place]
    ) -> None:
        called.append((place, day, price, more))

    day = dt.date(2024, 1, 2)
    filt = {"key": "q", "day": day, "price": Decimal("1.5"), "more": [Place("b", 3)]}
    with connect(payload_io=payload_io, dialect=dialect) as peer:
        assert peer.request({**filt, "place": Place("a", 2)}).result is None
        assert (
            "Argument 'place': Expected `Place`, got 5" in peer.request({**filt, "place": 5}).text
        )
    assert called == [(Place("a", 2), day, Decimal("1.5"), [Place("b", 3)])]


async def test_a_coroutine_function_runs_on_the_loop(bench: Bench) -> None:
    @query("q", payload_io=bench.payload_io)
    async def answer(request: Request, *, state: str = "open") -> list[str]:
        assert not bench.sync.is_running
        return [state]

    assert await tuples_of(bench, state="closed") == ["closed"]


@pytest.mark.parametrize(
    ("result", "tuples", "single"),
    [
        ([1, 2], [1, 2], False),
        ((1, 2), [1, 2], False),
        (range(2), [0, 1], False),
        ({1}, [1], False),
        ([], [], False),
        (Payload(tuples=[3]), [3], False),
        (3, [3], True),
        ("text", ["text"], True),
        (b"bytes", [b"bytes"], True),
        ({"a": 1}, [{"a": 1}], True),
        (None, [], True),
    ],
)
async def test_an_answer_is_a_list_or_one_value(
    bench: Bench, result: Any, tuples: list[Any], single: bool
) -> None:
    @query("q", payload_io=bench.payload_io)
    def answer(request: Request) -> Any:
        return result

    assert await tuples_of(bench) == tuples
    [registered] = find_endpoints(bench)
    assert registered.watchable is not None
    assert registered.watchable.is_one is not None
    assert registered.watchable.is_one(result) is single


def test_a_generator_is_a_list_and_a_lazy_value_what_it_stands_for() -> None:
    assert is_one(iter([1])) is False
    registry = TupleRegistry()
    registry.stand_ins.add("builtins.complex", lambda value: [1, 2])
    assert is_one(1j, registry) is False
    registry.stand_ins.add("builtins.complex", lambda value: 3)
    assert is_one(1j, registry) is True


async def test_arguments_that_are_wrong_are_told_by_name(bench: Bench) -> None:
    called = []

    @query("q", payload_io=bench.payload_io)
    def answer(request: Request, *, state: str, limit: int = 5) -> None:
        called.append(state)

    reply = await bench.ask_one({"key": "q", "limit": True, "stat": "x"})
    assert reply.result["error"] == "validation"
    assert {one["field"] for one in reply.result["errors"]} == {"limit", "stat", "state"}
    assert "Argument 'limit': Expected `int`, got True" in text_of(reply.result)
    reply = await bench.ask_one({"key": "q", "state": 5}, dialect=Dialect.D2)
    assert reply.result == "Argument 'state': Expected `str`, got 5"
    assert called == []


async def test_an_asynchronous_generator_answers_with_its_first_value_and_is_closed(
    bench: Bench,
) -> None:
    closed = []

    @query("q", payload_io=bench.payload_io)
    async def temperatures(request: Request, *, start: int = 1) -> AsyncIterator[int]:
        try:
            while start < 3:
                yield start
                start += 1
        finally:
            closed.append(start)

    assert await tuples_of(bench) == [1]
    assert closed == [1]
    assert await tuples_of(bench, start=3) == []

    [registered] = find_endpoints(bench)
    assert registered.watchable is not None
    make = registered.watchable.source
    assert make is not None
    source = make(bench.request({"key": "q", "start": 2}))
    assert [value async for value in source] == [2]
    with pytest.raises(HandlerError, match="Argument 'start': Expected `int`, got 'x'"):
        make(bench.request({"key": "q", "start": "x"}))


async def test_a_generator_is_a_list(bench: Bench) -> None:
    @query("q", payload_io=bench.payload_io)
    def numbers(request: Request) -> Iterator[int]:
        yield 1
        yield 2

    assert await tuples_of(bench) == [1, 2]


async def test_the_function_stays_what_it_was(bench: Bench) -> None:
    def answer(request: Request, *, state: str = "open") -> str:
        """Say the state."""
        return state

    kept = query("q", permission=IsStaff, throttle="5/m", payload_io=bench.payload_io)(answer)
    assert kept is answer
    assert answer(bench.request({}), state="x") == "x"
    [registered] = find_endpoints(bench)
    assert registered.filt == {"key": "q"}
    assert describe_handler(registered.handler) == f"{__name__}.{answer.__qualname__}"
    assert repr(registered.permission) == "IsStaff"
    assert registered.rates is not None
    [made] = find_queries(answer)
    assert (made.name, made.function) == ("q", answer)
    assert find_queries(tuples_of) == []


async def test_a_query_lives_as_long_as_its_function(bench: Bench) -> None:
    def make() -> weakref.ref[Any]:
        @query("q", payload_io=bench.payload_io)
        def answer(request: Request) -> None: ...

        return weakref.ref(answer)

    function = make()
    gc.collect()
    assert function() is None
    assert bench.payload_io.endpoints == []


async def test_two_names_of_one_function_are_two_queries(bench: Bench) -> None:
    @query("q", payload_io=bench.payload_io)
    @query("other", payload_io=bench.payload_io)
    def answer(request: Request) -> int:
        return 1

    assert await tuples_of(bench) == [1]
    assert await tuples_of(bench, key="other") == [1]
    assert [one.name for one in find_queries(answer)] == ["other", "q"]


def test_how_it_is_watched_is_declared(bench: Bench) -> None:
    @query("q", scope="all", depends_on=["board_ticket", Bench], payload_io=bench.payload_io)
    def answer(request: Request) -> None: ...

    @endpoint({"key": "e"}, payload_io=bench.payload_io)
    def function(request: Request) -> None: ...

    class Handler(ModelHandler):
        filt = {"key": "m"}
        payload_io = bench.payload_io
        scope = "all"
        depends_on = ["board_ticket"]

        def build_model(self, request: Request) -> None: ...

    handler = Handler()
    plain = Handler(scope="user", depends_on=[])
    queried, bare, *others = (one.watchable for one in find_endpoints(bench))
    assert queried is not None
    assert (queried.scope, queried.depends_on) == ("all", ("board_ticket", Bench))
    assert (queried.source, bare) == (None, None)
    assert others == [Watchable("all", ("board_ticket",)), PER_USER]
    with pytest.raises(
        DefinitionError, match=r"Handler\.scope is 'user' or 'all', got 'everybody'"
    ):
        Handler(scope="everybody")  # type: ignore[arg-type]
    del handler, plain


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"scope": "everybody"}, "@query('q'): scope is 'user' or 'all', got 'everybody'"),
        ({"depends_on": "board_ticket"}, "depends_on is a list of models or names of tables"),
        ({"depends_on": Bench}, "depends_on is a list of models or names of tables"),
        ({"permission": 5}, "Expected a Permission, got 5"),
    ],
)
def test_wrong_options_are_an_error(bench: Bench, options: dict[str, Any], text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        query("q", payload_io=bench.payload_io, **options)(lambda request: None)
    assert text in str(caught.value)
    assert bench.payload_io.endpoints == []


def test_a_query_has_a_name_and_is_a_function(bench: Bench) -> None:
    def answer(request: Request) -> None: ...

    with pytest.raises(DefinitionError, match=r"answer has no name: write @query\('board.open'\)"):
        query(answer)  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match="has no name"):
        query("")
    with pytest.raises(DefinitionError, match=r"@query\('q'\) is for functions, got "):
        query("q", payload_io=bench.payload_io)(Bench)
    with pytest.raises(DefinitionError, match=r"@query\('q'\) of .*answer: 'x' is of type"):

        @query("q", payload_io=bench.payload_io)
        def other_answer(request: Request, *, x: object) -> None: ...

    assert django_vortex.query is query


async def test_a_statement_needs_a_session_factory(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class Statement:
        is_select = True

    @query("q", payload_io=bench.payload_io)
    def answer(request: Request) -> Statement:
        return Statement()

    reply = await bench.ask_one({"key": "q"})
    assert reply.result["error"] == "internal"
    assert "names no session to read it with: write @query(..., session_factory=" in caplog.text
