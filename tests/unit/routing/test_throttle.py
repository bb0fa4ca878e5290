"""``throttle=`` of endpoints and handlers."""

from types import SimpleNamespace
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.handlers import AsyncModelHandler, ModelHandler
from django_vortex.routing.endpoint import PayloadEndpoint, endpoint
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from tests.support.routing import Bench

FILT = {"key": "often"}


class Often(ModelHandler):
    filt = FILT
    throttle = "1/h"

    def build_model(self, request: Request) -> Any:
        return []


class OftenAsync(AsyncModelHandler):
    filt = FILT

    async def build_model(self, request: Request) -> Any:
        return []


def handle(request: Request) -> Any:
    return request.tuples


async def handle_async(request: Request) -> Any:
    return request.tuples


KINDS = {
    "endpoint": lambda io: endpoint(FILT, throttle="1/h", payload_io=io, owner=io)(handle),
    "async": lambda io: PayloadEndpoint(
        FILT, handle_async, throttle={"peer": "1/h"}, payload_io=io
    ),
    "class attribute": lambda io: Often(payload_io=io),
    "keyword": lambda io: OftenAsync(throttle="1/h", payload_io=io),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_handler_is_asked_as_often_as_it_says(bench: Bench, kind: str) -> None:
    _kept = KINDS[kind](bench.payload_io)
    assert (await bench.ask_one(FILT)).result is None
    refused = await bench.ask_one(FILT)
    assert refused.result["error"] == "rate"
    assert refused.result["retry_after"] == pytest.approx(3600, abs=60)
    old = await bench.ask_one(FILT, dialect=Dialect.D1)
    assert old.result.startswith("Too many requests, try again in ")


async def test_users_are_counted_apart_and_over_all_their_peers(bench: Bench) -> None:
    _kept = PayloadEndpoint(FILT, handle_async, throttle="1/h", payload_io=bench.payload_io)
    ann, bob = (SimpleNamespace(pk=pk, is_authenticated=True) for pk in (1, 2))
    results = [
        (await bench.ask_one(FILT, peer=Peer(uuid=uuid, name="n", user=user))).result
        for uuid, user in (("a", ann), ("b", ann), ("c", bob))
    ]
    assert [result is None for result in results] == [True, False, True]


async def test_nothing_is_decoded_of_what_came_too_often(bench: Bench) -> None:
    _kept = PayloadEndpoint(FILT, handle, throttle="1/h", payload_io=bench.payload_io)
    await bench.ask_one(FILT)
    request = bench.request(FILT, ["x"])
    request.envelope._body = EncodedBody("no payload at all", Dialect.NATIVE)
    [refused] = await bench.payload_io.process(request)
    assert refused.result["error"] == "rate"
    assert request.retry_after > 0


async def test_two_handlers_of_a_filt_count_for_themselves(bench: Bench) -> None:
    _often = PayloadEndpoint(FILT, handle, payload_io=bench.payload_io)
    _seldom = PayloadEndpoint(FILT, handle_async, throttle="1/h", payload_io=bench.payload_io)
    await bench.ask(FILT)
    request = bench.request(FILT, ["x"])
    told = [reply.result for reply in await bench.payload_io.process(request)]
    assert [one is None or one["error"] for one in told] == [True, "rate"]
    assert request.retry_after > 0


def test_what_is_no_rate_is_refused_at_definition(bench: Bench) -> None:
    with pytest.raises(DefinitionError, match="Expected a rate such as '60/m'"):
        PayloadEndpoint(FILT, handle, throttle="60 per minute", payload_io=bench.payload_io)
