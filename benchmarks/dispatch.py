"""Dispatch: a request is answered among 10 000 endpoints as fast as among 10.

Measured from the request to its encoded answer of one tuple, with requests spread over all
endpoints: what is left of a difference is the memory of those that were not used for a while.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.goals import DISPATCH_MANY_OVER_FEW
from benchmarks.operations import Operations, in_process
from benchmarks.results import Result, compare, interleave
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import MESSAGE_ID, Request
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope

MANY: Final = 10_000
FEW: Final = 10
REQUESTS: Final = 2_000
ROUNDS: Final = 9

MakeFilt = Callable[[int], Filt]

PEER: Final = Peer(uuid="bench", name="bench")


def own_key(number: int) -> Filt:
    """Return the filt of an endpoint with a key of its own."""
    return {"key": f"bench.{number}"}


def shared_key(number: int) -> Filt:
    """Return the filt of an endpoint that shares its key, and a name beside, with all others."""
    return {"key": "bench", "table": "airports", "id": number}


class Population:
    """A registry with so many endpoints, and requests that go to different ones of them."""

    def __init__(self, count: int, make_filt: MakeFilt) -> None:
        self.payload_io = PayloadIO()
        self.endpoints = [
            PayloadEndpoint(make_filt(number), answer, payload_io=self.payload_io)
            for number in range(count)
        ]
        codec = Codec()
        filts = [make_filt(number * 7919 % count) for number in range(REQUESTS)]
        self.requests = [
            Request(
                PayloadEnvelope({**filt, MESSAGE_ID: "m"}), PEER, codec=codec, dialect=Dialect.D2
            )
            for filt in filts
        ]

    def measure(self) -> float:
        """Answer all requests and give how many it were in a second."""
        start = time.perf_counter()
        self.answer_all()
        return REQUESTS / (time.perf_counter() - start)

    def answer_all(self) -> None:
        """Answer all requests."""
        asyncio.run(self._answer_all())

    async def _answer_all(self) -> None:
        process = self.payload_io.process
        for request in self.requests:
            [reply] = await process(request)
        assert reply.result is None and reply.has_payload, reply


async def answer(request: Request) -> list[Any]:
    """Answer with what was asked for."""
    return [request.filt["key"]]


@contextmanager
def operations() -> Iterator[Operations]:
    """Return requests among many endpoints."""
    kinds = {"own keys": own_key, "one key": shared_key}
    populations = {name: Population(MANY, make_filt) for name, make_filt in kinds.items()}
    yield {
        f"dispatch among {MANY} endpoints, {name}": in_process(one.answer_all, operations=REQUESTS)
        for name, one in populations.items()
    }


def measure() -> list[Result]:
    """Dispatch with keys of their own and with one key for all."""
    populations = {
        (name, count): Population(count, make_filt)
        for name, make_filt in (("own keys", own_key), ("one key", shared_key))
        for count in (FEW, MANY)
    }
    medians = interleave(
        {f"{name} {count}": one.measure for (name, count), one in populations.items()},
        rounds=ROUNDS,
    )
    return [
        compare(
            f"dispatch among {MANY} endpoints, {name}, against {FEW}",
            medians[f"{name} {MANY}"],
            medians[f"{name} {FEW}"],
            "requests/s",
            goal=DISPATCH_MANY_OVER_FEW,
        )
        for name in ("own keys", "one key")
    ]
