"""What may be a handler, and how long an endpoint lives."""

import functools
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.routing.endpoint import PayloadEndpoint, endpoint
from django_vortex.routing.request import Request
from tests.support.routing import Bench

FILT = {"key": "k"}


class Service:
    """An object whose method is a handler and that owns the endpoint."""

    def __init__(self, bench: Bench) -> None:
        PayloadEndpoint(FILT, self.handle, payload_io=bench.payload_io, owner=self)

    def handle(self, request: Request) -> list[int]:
        return [1]


class Callable_:
    async def __call__(self, request: Request) -> list[int]:
        return [1]


async def coroutine(request: Request) -> list[int]:
    return [1]


async def coroutine_with_more(more: int, request: Request) -> list[int]:
    return [more]


async def async_generator(request: Request) -> AsyncIterator[int]:
    yield 1


def generator(request: Request) -> Iterator[int]:
    yield 1
    yield 2


def remaining(bench: Bench) -> int:
    gc.collect()
    return len(bench.payload_io.endpoints)


@pytest.mark.parametrize(
    ("handler", "is_async"),
    [
        (coroutine, True),
        (functools.partial(coroutine_with_more, 1), True),
        (functools.partial(functools.partial(coroutine_with_more, 1)), True),
        (Callable_(), True),
        (lambda request: None, False),
        (generator, False),
        (len, False),
        (print, False),
    ],
)
def test_coroutine_functions_are_recognized(bench: Bench, handler: Any, is_async: bool) -> None:
    assert PayloadEndpoint(FILT, handler, payload_io=bench.payload_io).is_async is is_async


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (None, "Expected a function of the request, got None"),
        ("handle", "Expected a function of the request, got 'handle'"),
        (async_generator, "Handler async_generator yields and is asynchronous"),
        (functools.partial(async_generator), "yields and is asynchronous"),
        (lambda: None, r"takes \(\), but is called with one argument, the request"),
        (lambda request, more: None, r"takes \(request, more\), but is called with one"),
        (lambda *, request: None, r"takes \(request\), but is called with one argument"),
    ],
)
def test_what_cannot_be_a_handler_is_refused_at_once(bench: Bench, handler: Any, text: str) -> None:
    with pytest.raises(DefinitionError, match=text):
        PayloadEndpoint(FILT, handler, payload_io=bench.payload_io)
    assert remaining(bench) == 0


def test_decorating_a_method_is_refused(bench: Bench) -> None:
    with pytest.raises(DefinitionError, match=r"handle takes \(self, request\), but is called"):

        class Service:
            @endpoint(FILT, payload_io=bench.payload_io)
            def handle(self, request: Request) -> None: ...


def test_a_filt_without_key_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(DefinitionError, match="has no 'key'"):
        endpoint({"kex": "k"}, payload_io=bench.payload_io)(coroutine)
    assert remaining(bench) == 0


async def test_what_a_generator_yields_is_the_answer(bench: Bench) -> None:
    kept = PayloadEndpoint(FILT, generator, payload_io=bench.payload_io)
    assert bench.tuples_of(await bench.ask_one(FILT)) == [1, 2]
    kept.close()


def test_an_endpoint_that_nobody_keeps_disappears(bench: Bench) -> None:
    kept = PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io)
    PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io)
    assert remaining(bench) == 1
    del kept
    assert remaining(bench) == 0
    assert bench.payload_io.find(FILT, "") == []


@pytest.mark.parametrize("kind", ["lambda", "local", "method of a temporary"])
async def test_an_endpoint_keeps_its_handler(bench: Bench, kind: str) -> None:
    class Temporary:
        def handle(self, request: Request) -> list[int]:
            return [1]

    def local(request: Request) -> list[int]:
        return [1]

    handlers = {
        "lambda": lambda request: [1],
        "local": local,
        "method of a temporary": Temporary().handle,
    }
    kept = PayloadEndpoint(FILT, handlers.pop(kind), payload_io=bench.payload_io)
    del local
    handlers.clear()
    gc.collect()
    assert bench.tuples_of(await bench.ask_one(FILT)) == [1]
    kept.close()


def test_an_owner_keeps_its_endpoint_and_can_be_collected(bench: Bench) -> None:
    service = Service(bench)
    assert remaining(bench) == 1
    alive = weakref.ref(service)
    del service
    assert remaining(bench) == 0
    assert alive() is None


def test_an_owner_keeps_several_endpoints(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Frozen:
        name: str

    class Stubborn:
        def __setattr__(self, name: str, value: object) -> None:
            raise AssertionError

    owners: list[Any] = [Frozen("a"), Stubborn(), type("Kind", (), {}), lambda: None]
    for owner in owners:
        for _ in range(2):
            PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io, owner=owner)
    del owner
    assert remaining(bench) == 8
    owners.clear()
    assert remaining(bench) == 0


def test_a_class_does_not_share_what_its_base_keeps(bench: Bench) -> None:
    class Base: ...

    class Derived(Base): ...

    PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io, owner=Base)
    PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io, owner=Derived)
    assert [len(vars(kind)["_vortex_endpoints"]) for kind in (Base, Derived)] == [1, 1]


def test_an_owner_that_takes_no_attributes_is_refused(bench: Bench) -> None:
    with pytest.raises(DefinitionError, match="takes no attributes"):
        PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io, owner=5)
    assert remaining(bench) == 0


def test_a_decorated_local_function_keeps_its_endpoint(bench: Bench) -> None:
    @endpoint({"key": "one"}, payload_io=bench.payload_io)
    @endpoint({"key": "two"}, payload_io=bench.payload_io)
    def handle(request: Request) -> None: ...

    assert remaining(bench) == 2
    del handle
    assert remaining(bench) == 0


def test_a_closed_endpoint_hears_nothing(bench: Bench) -> None:
    kept = PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io)
    kept.close()
    kept.close()
    assert bench.payload_io.find(FILT, "") == []


def test_an_endpoint_added_twice_is_found_once(bench: Bench) -> None:
    kept = PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io)
    bench.payload_io.add(kept)
    assert bench.payload_io.find(FILT, "") == [kept]


def test_the_filt_is_copied(bench: Bench) -> None:
    filt = dict(FILT)
    kept = PayloadEndpoint(filt, coroutine, payload_io=bench.payload_io)
    filt["key"] = "other"
    assert bench.payload_io.find(FILT, "") == [kept]


def test_endpoints_are_shown_with_filt_and_handler(bench: Bench) -> None:
    kept = PayloadEndpoint(FILT, coroutine, payload_io=bench.payload_io)
    assert repr(kept) == "<PayloadEndpoint {'key': 'k'} tests.unit.routing.test_endpoint.coroutine>"


def test_an_endpoint_without_a_filt_is_told_at_once() -> None:
    with pytest.raises(DefinitionError, match=r"@endpoint of \S+\.lonely has no filt: write"):

        @endpoint  # type: ignore[arg-type]
        def lonely(request: Request) -> None:
            """Answer nobody."""

    with pytest.raises(DefinitionError, match="has no 'key'"):
        endpoint({"kex": "k"})
