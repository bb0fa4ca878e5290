"""Observers of released clients, which reach queries by selectors (PROTOCOL 11)."""

import datetime as dt
import gc
from collections.abc import Iterator
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, TooManyRequests
from django_vortex.handlers.query import query
from django_vortex.routing.permissions import IsStaff
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.tuples import TupleSelector
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.routing import Bench
from tests.support.told import text_of

OBSERVABLE = {"key": "tupleDataObservable", "name": "django_vortex"}
DAY = dt.date(2024, 1, 2)
RELEASED = [Dialect.D1, Dialect.D2]


class Observed:
    """Notes who observes what, as a server does."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Filt]] = []
        self.questions: list[Filt] = []
        self.refusal: Exception | None = None

    async def subscribe(
        self,
        request: Request,
        endpoint: Registered,
        question: Filt,
        pushed: Filt,
        observer: str,
        /,
    ) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.questions.append(question)
        self.calls.append(("subscribe", observer, pushed))

    def unsubscribe(self, request: Request, pushed: Filt, observer: str, /) -> None:
        self.calls.append(("unsubscribe", observer, pushed))


@pytest.fixture
def observed(bench: Bench) -> Observed:
    observed = Observed()
    bench.payload_io.observers = observed
    return observed


@pytest.fixture
def opened(bench: Bench) -> Iterator[list[Any]]:
    """The arguments that a query was called with; it answers with them."""
    called: list[Any] = []

    @query("board.open", payload_io=bench.payload_io)
    def opened(request: Request, *, state: str = "open", day: dt.date | None = None) -> list[Any]:
        called.append((state, day, set(request.filt) - {"state", "day"}))
        return [state]

    yield called
    del opened


def polling(selector: Any, **more: Any) -> Filt:
    return {**OBSERVABLE, "subscribe": False, "tupleSelector": selector, MESSAGE_ID: "m", **more}


async def ask(bench: Bench, filt: Filt, dialect: Dialect = Dialect.D2) -> list[PayloadEnvelope]:
    return await bench.ask(filt, dialect=dialect)


def tuples_of(bench: Bench, reply: PayloadEnvelope, dialect: Dialect = Dialect.D2) -> list[Any]:
    """Return the tuples of an answer, which has the filt of the question inside and outside."""
    assert reply.result is None, reply.result
    text = reply.encoded(bench.codec, dialect, None)
    assert text is not None
    payload = bench.codec.decode_payload(text, dialect)
    assert payload.filt == reply.filt
    return list(payload.tuples)


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, *RELEASED])
async def test_a_poll_is_answered_under_its_complete_filt(
    bench: Bench, opened: list[Any], dialect: Dialect
) -> None:
    filt = polling(TupleSelector("board.open", {"state": "new"}), observerName="default")
    [reply] = await ask(bench, filt, dialect)
    assert reply.filt == filt
    assert tuples_of(bench, reply, dialect) == ["new"]
    assert opened == [("new", None, {"key"})]


@pytest.mark.parametrize("day", ["2024-01-02", dt.datetime(2024, 1, 2, tzinfo=dt.UTC)])
async def test_arguments_are_the_nearest_values_that_released_clients_can_write(
    bench: Bench, opened: list[Any], observed: Observed, day: Any
) -> None:
    selector = TupleSelector("board.open", {"day": day})
    await ask(bench, polling(selector))
    assert opened == [("open", DAY, {"key"})]
    await ask(bench, {**OBSERVABLE, "tupleSelector": selector})
    assert observed.questions == [{"key": "board.open", "day": DAY}]


@pytest.mark.parametrize(
    "selector",
    [{"stat": "x"}, {"state": 5}, {"state": None}, {"day": "soon"}, {5: 6}],
)
@pytest.mark.parametrize("is_subscribing", [True, False])
async def test_wrong_arguments_are_a_clear_error(
    bench: Bench, opened: list[Any], observed: Observed, selector: Filt, is_subscribing: bool
) -> None:
    filt = polling(TupleSelector("board.open", selector), subscribe=is_subscribing)
    [reply] = await ask(bench, filt)
    [name] = selector
    assert str(reply.result).startswith(f"Argument '{name}': ")
    assert reply.filt == filt
    assert (opened, observed.calls) == ([], [])


@pytest.mark.parametrize(
    "selector", [None, "board.open", {"name": "board.open"}, TupleSelector("board.open", [])]
)
async def test_what_is_no_selector_is_an_error(bench: Bench, opened: Any, selector: Any) -> None:
    [reply] = await ask(bench, polling(selector))
    assert str(reply.result).startswith("Expected ")
    assert "tupleSelector" in str(reply.result)


@pytest.mark.parametrize("name", ["board.opn", "board.hidden", "", "board.plain"])
async def test_only_queries_of_the_observable_are_reached(
    bench: Bench, opened: list[Any], name: str
) -> None:
    @query("board.hidden", observable="another", payload_io=bench.payload_io)
    def hidden(request: Request) -> int:
        return 1

    [reply] = await ask(bench, polling(TupleSelector(name)))
    assert str(reply.result).startswith(f"No query answers '{name}' here")
    if name == "board.opn":
        assert "Did you mean 'board.open'?" in str(reply.result)
    another = polling(TupleSelector("board.hidden"), name="another")
    assert tuples_of(bench, (await ask(bench, another))[0]) == [1]
    [reply] = await ask(bench, polling(TupleSelector("board.open"), name="another"))
    assert str(reply.result).startswith("No query answers 'board.open' here")
    assert await ask(bench, polling(TupleSelector("board.open"), name="unheard-of")) == []


async def test_an_additional_filt_is_part_of_where_it_is_found(bench: Bench) -> None:
    @query("q", observable="o", additional_filt={"plugin": "x"}, payload_io=bench.payload_io)
    def answer(request: Request) -> int:
        return 1

    filt = polling(TupleSelector("q"), name="o", plugin="x")
    assert tuples_of(bench, (await ask(bench, filt))[0]) == [1]
    assert await ask(bench, polling(TupleSelector("q"), name="o")) == []


@pytest.mark.parametrize("beside", [[("a", 1)], "text", {"name": "x"}, {"key": "x"}])
def test_what_is_no_additional_filt_is_an_error(bench: Bench, beside: Any) -> None:
    with pytest.raises(DefinitionError, match=r"@query\('q'\): additional_filt is a dict without"):
        query("q", additional_filt=beside, payload_io=bench.payload_io)(lambda request: 1)
    assert bench.payload_io.endpoints == []


async def test_the_name_of_the_server_is_that_of_the_observable(bench: Bench) -> None:
    bench.payload_io.bind(get_name=lambda: "acme")

    @query("q", payload_io=bench.payload_io)
    def answer(request: Request) -> int:
        return 1

    assert tuples_of(bench, (await ask(bench, polling(TupleSelector("q"), name="acme")))[0]) == [1]


@pytest.mark.parametrize(
    ("members", "call"),
    [
        ({"subscribe": True, "observerName": "default"}, "subscribe"),
        ({}, "subscribe"),
        ({"subscribe": True, "unsubscribe": False, "disableCache": False}, "subscribe"),
        ({"unsubscribe": True, "observerName": "default"}, "unsubscribe"),
        ({"subscribe": True, "unsubscribe": True}, "unsubscribe"),
    ],
)
async def test_subscribing_is_told_to_the_server_and_answered_by_it(
    bench: Bench, opened: list[Any], observed: Observed, members: Filt, call: str
) -> None:
    selector = TupleSelector("board.open", {"state": "new"})
    replies = await ask(bench, {**OBSERVABLE, "tupleSelector": selector, **members})
    assert replies == []
    name = members.get("observerName", "")
    assert observed.calls == [(call, name, {**OBSERVABLE, "tupleSelector": selector})]
    assert opened == []
    if call == "subscribe":
        assert observed.questions == [{"key": "board.open", "state": "new"}]


@pytest.mark.parametrize("members", [{"subscribe": False}, {"subscribe": 0}])
async def test_a_poll_subscribes_nothing(
    bench: Bench, opened: list[Any], observed: Observed, members: Filt
) -> None:
    filt = {**OBSERVABLE, "tupleSelector": TupleSelector("board.open"), **members}
    [reply] = await ask(bench, filt)
    assert (tuples_of(bench, reply), observed.calls) == (["open"], [])


async def test_a_refused_subscription_is_an_error(
    bench: Bench, opened: list[Any], observed: Observed
) -> None:
    observed.refusal = TooManyRequests(5)
    [reply] = await ask(bench, {**OBSERVABLE, "tupleSelector": TupleSelector("board.open")})
    assert str(reply.result) == "Too many requests, try again in 5 s"


async def test_no_value_is_an_answer_without_tuples(bench: Bench) -> None:
    @query("q", payload_io=bench.payload_io)
    def nothing(request: Request) -> None: ...

    for message_id in ({}, {MESSAGE_ID: "m"}):
        filt = {**OBSERVABLE, "tupleSelector": TupleSelector("q"), "subscribe": False}
        [reply] = await ask(bench, {**filt, **message_id})
        assert tuples_of(bench, reply) == []


async def test_permission_and_rate_are_those_of_the_query(bench: Bench) -> None:
    @query("secret", permission=IsStaff, payload_io=bench.payload_io)
    def secret(request: Request) -> int:
        return 1

    @query("rare", throttle="1/m", payload_io=bench.payload_io)
    def rare(request: Request) -> int:
        return 1

    [reply] = await ask(bench, polling(TupleSelector("secret")), Dialect.NATIVE)
    assert text_of(reply.result) == "You may not ask for this"
    request = bench.request(polling(TupleSelector("rare")))
    assert tuples_of(bench, (await bench.payload_io.process(request))[0], Dialect.NATIVE) == [1]
    [reply] = await bench.payload_io.process(request)
    assert reply.result["error"] == "rate"
    assert request.retry_after > 0


async def test_a_query_that_is_gone_is_observed_no_longer(bench: Bench) -> None:
    def make() -> None:
        @query("q", observable="o", payload_io=bench.payload_io)
        def answer(request: Request) -> int:
            return 1

    make()
    gc.collect()
    [reply] = await ask(bench, polling(TupleSelector("q"), name="o"))
    assert str(reply.result).startswith("No query answers 'q' here")
