"""The coroutine form of the model handler."""

from collections.abc import Iterator
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, DeliveryError
from django_vortex.handlers import AsyncModelHandler
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.readers import Readers
from django_vortex.routing.request import Request
from django_vortex.wire.payload import Payload
from tests.support.routing import Bench


class Lazy:
    """A queryset: listed only where it may block."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def __iter__(self) -> Iterator[int]:
        assert self.bench.sync.is_running
        return iter([1, 2])


class Numbers(AsyncModelHandler):
    filt = {"key": "numbers"}

    def __init__(self, bench: Bench, data: Any) -> None:
        self.bench = bench
        self.data = data
        self.calls: list[str] = []
        super().__init__(payload_io=bench.payload_io)

    async def pre_process(self, request: Request) -> None:
        self.calls.append("pre")

    async def build_model(self, request: Request) -> Any:
        assert not self.bench.sync.is_running
        self.calls.append("push" if request.is_push else "build")
        return self.data

    async def post_process(self, request: Request, payload: Payload) -> None:
        assert not self.bench.sync.is_running
        self.calls.append(f"post {payload.tuples}")


@pytest.mark.parametrize(
    ("data", "tuples"), [([1, 2], [1, 2]), (None, []), (Payload(tuples=[3]), [3])]
)
async def test_the_data_is_built_on_the_loop_between_the_hooks(
    bench: Bench, data: Any, tuples: list[int]
) -> None:
    handler = Numbers(bench, data)
    assert bench.tuples_of(await bench.ask_one({"key": "numbers"})) == tuples
    assert handler.calls == ["pre", "build", f"post {tuples}"]


async def test_lazy_data_is_listed_off_the_loop(bench: Bench) -> None:
    handler = Numbers(bench, Lazy(bench))
    assert bench.tuples_of(await bench.ask_one({"key": "numbers"})) == [1, 2]
    assert await handler.send_model_update() == 1
    assert bench.tuples_of(bench.pushes.made[0][0]) == [1, 2]


async def test_an_update_is_built_and_pushed(bench: Bench) -> None:
    handler = Numbers(bench, [5])
    assert await handler.send_model_update(to_name="browser") == 1
    [(envelope, to, coalesce)] = bench.pushes.made
    wanted = Address(name="browser", handler={"key": "numbers"})
    assert (envelope.filt, to, coalesce) == ({"key": "numbers"}, wanted, True)
    assert bench.tuples_of(envelope) == [5]
    assert handler.calls == ["push"]


@pytest.mark.parametrize("is_caught", [True, False])
async def test_what_is_for_one_or_depends_on_the_peer_is_built_where_that_is(
    bench: Bench, is_caught: bool
) -> None:
    class OfUser(Numbers):
        async def build_model(self, request: Request) -> Any:
            self.calls.append("push")
            try:
                return [request.user]
            except Exception:
                if not is_caught:
                    raise
                return ["of nobody"]

    handler = OfUser(bench, [])
    assert await handler.send_model_update(to_user=7) == 1
    assert handler.calls == []
    for _ in range(2):
        assert await handler.send_model_update() == 1
    assert handler.calls == ["push"]
    assert [(to.user, to.is_each) for _, to, _ in bench.pushes.made] == [
        (7, True),
        (None, True),
        (None, True),
    ]
    assert not any(envelope.has_payload for envelope, _, _ in bench.pushes.made)
    peer = Peer("u", "n", user="ann")
    [reply] = await Readers(bench.payload_io).read({"key": "numbers"}, {"key": "numbers"}, peer)
    assert bench.tuples_of(reply) == ["ann"]


async def test_an_update_that_reaches_nobody_raises(bench: Bench) -> None:
    bench.payload_io = PayloadIO()
    handler = Numbers(bench, [5])
    with pytest.raises(DeliveryError):
        await handler.send_model_update()


@pytest.mark.parametrize("method", ["build_model", "pre_process", "post_process"])
def test_a_plain_function_in_a_coroutine_handler_is_refused(method: str) -> None:
    with pytest.raises(DefinitionError, match=f"Wrong.{method} is no coroutine function"):
        type("Wrong", (Numbers,), {method: lambda self, *arguments: None})
