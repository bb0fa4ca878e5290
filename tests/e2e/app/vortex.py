"""Endpoints that tests talk to; found like those of any app."""

import asyncio
import hashlib
import time
from datetime import datetime

from django_vortex import (
    HandlerError,
    Payload,
    PayloadEnvelope,
    Request,
    Tuple,
    TupleField,
    endpoint,
    tuple_type,
)
from tests.e2e.app import (
    cancelling,
    conformance,
    counted,
    crud,
    databases,
    orms,
    queries,
    raising,
    vectors,
    watched,
)

assert cancelling.events is not None, "importing it registers its endpoints"
assert conformance.note, "importing it registers its endpoints"
assert counted.runs is not None, "importing it registers its endpoints"
assert databases.handlers, "importing it registers its endpoints"
assert crud.engine, "importing it registers its endpoints"
assert orms.wrap, "importing it registers its endpoints"
assert queries.priced, "importing it registers its queries"
assert raising.handlers, "importing it registers its endpoints"
assert vectors.endpoints, "importing them registers them"
assert watched.watched, "importing it registers its queries"

SECONDS = 0.05
SECRET = "the secret of the server"


@tuple_type("e2e.Sample")
class Sample(Tuple):
    """One of everything that released clients can read and write."""

    number: int = TupleField(int)
    text: str = TupleField(str)
    ratio: float = TupleField(float)
    flag: bool = TupleField(bool)
    when: datetime = TupleField(datetime)
    data: bytes = TupleField(bytes)
    children: list = TupleField(list)
    mapping: dict = TupleField(dict)


@endpoint({"key": "e2e.echo"})
async def echo(request: Request) -> list[object]:
    """Reply with the tuples that came."""
    return list(request.payload.tuples)


@endpoint({"key": "e2e.echo_sync"})
def echo_sync(request: Request) -> list[object]:
    """Do what `echo` does, in a thread."""
    return list(request.payload.tuples)


@endpoint({"key": "e2e.slow_async"})
async def slow_async(request: Request) -> list[object]:
    """Reply after ``seconds`` on the loop with the number that the filt carries."""
    await asyncio.sleep(float(request.filt.get("seconds", SECONDS)))
    return [request.filt.get("number")]


@endpoint({"key": "e2e.slow_sync"})
def slow_sync(request: Request) -> list[object]:
    """Reply after ``seconds`` in a thread with the number that the filt carries."""
    time.sleep(float(request.filt.get("seconds", SECONDS)))
    return [request.filt.get("number")]


@endpoint({"key": "e2e.busy"})
async def busy(request: Request) -> list[object]:
    """Hold up the loop for ``seconds`` in pieces of 50 ms, as no handler should."""
    end = time.monotonic() + float(request.filt.get("seconds", SECONDS))
    while time.monotonic() < end:
        time.sleep(SECONDS)
        await asyncio.sleep(0)
    return []


@endpoint({"key": "e2e.fault"})
async def fault(request: Request) -> None:
    """Crash, with something in the text that no peer may see."""
    raise RuntimeError(SECRET)


@endpoint({"key": "e2e.fault_sync"})
def fault_sync(request: Request) -> None:
    """Crash in a thread."""
    raise RuntimeError(SECRET)


@endpoint({"key": "e2e.refusal"})
async def refusal(request: Request) -> None:
    """Refuse with a text that is meant for the peer."""
    raise HandlerError("Not on a Sunday")


@endpoint({"key": "e2e.big"})
def big(request: Request) -> list[str]:
    """Reply with ``count`` tuples of ``size`` characters that do not compress to nothing."""
    count, size = int(request.filt.get("count", 1)), int(request.filt.get("size", 1))
    return [
        hashlib.shake_128(str(number).encode()).hexdigest(size // 2 + 1)[:size]
        for number in range(count)
    ]


@endpoint({"key": "e2e.who"})
async def who(request: Request) -> list[object]:
    """Reply with who asked: name, user's primary key, address."""
    peer = request.peer
    return [peer.name, getattr(peer.user, "pk", None), peer.address]


@endpoint({"key": "e2e.envelope"})
async def own_envelope(request: Request) -> PayloadEnvelope:
    """Reply with an envelope of its own: a result beside a payload."""
    return PayloadEnvelope(payload=Payload(tuples=["done"]), result=True)


@endpoint({"key": "e2e.nothing"})
async def nothing(request: Request) -> None:
    """Reply with nothing to say."""
