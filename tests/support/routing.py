"""Requests without a server: a peer, its envelopes, and a `run_sync` that knows it is running."""

import datetime
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.tuples import TupleRegistry
from django_vortex.tuples import registry as default_registry
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import MESSAGE_ID

NOON = datetime.datetime(2024, 1, 2, 12, tzinfo=datetime.UTC)

BROWSER = Peer(uuid="u1", name="browser")

_T = TypeVar("_T")


def wait_at_once(coroutine: Any) -> Any:
    """Return what a coroutine returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("It waits for something")


class InlineSync:
    """A `run_sync` that runs in the caller's thread and knows while it does."""

    def __init__(self) -> None:
        self.is_running = False
        self.count = 0

    async def __call__(self, function: Callable[[], _T], /) -> _T:
        self.count += 1
        self.is_running = True
        try:
            return function()
        finally:
            self.is_running = False


class Pushes:
    """A `push` that keeps what it was given; one peer gets everything."""

    def __init__(self) -> None:
        self.made: list[tuple[PayloadEnvelope, Address, bool]] = []

    def __call__(
        self, envelope: PayloadEnvelope, to: Address, /, *, coalesce: bool
    ) -> "Future[int]":
        self.made.append((envelope, to, coalesce))
        future: Future[int] = Future()
        future.set_result(1)
        return future


class Bench:
    """A registry of endpoints with its ports, and a peer that asks it."""

    def __init__(self, registry: TupleRegistry = default_registry) -> None:
        self.codec = Codec(registry)
        self.sync = InlineSync()
        self.pushes = Pushes()
        self.payload_io = PayloadIO(clock=lambda: NOON, make_reference=lambda: "abc123")
        self.payload_io.bind(run_sync=self.sync, push=self.pushes, codec=self.codec)

    def request(
        self,
        filt: dict[Any, Any],
        tuples: Iterable[Any] | None = None,
        *,
        dialect: Dialect = Dialect.NATIVE,
        peer: Peer = BROWSER,
        **parts: Any,
    ) -> Request:
        """Make the request of an envelope, whose payload crossed the wire if there is one."""
        envelope = PayloadEnvelope(filt, **parts)
        if tuples is not None:
            payload = Payload(filt, tuples=tuples, date=NOON)
            text = self.codec.encode_payload(payload, dialect, NOON).text
            envelope = PayloadEnvelope.received(filt, EncodedBody(text, dialect), **parts)
        return Request(envelope, peer, codec=self.codec, dialect=dialect)

    async def ask(
        self, filt: dict[Any, Any], tuples: Iterable[Any] | None = None, **parts: Any
    ) -> list[PayloadEnvelope]:
        """Process a request and give the answers."""
        return await self.payload_io.process(self.request(filt, tuples, **parts))

    async def ask_one(
        self, filt: dict[Any, Any], tuples: Iterable[Any] | None = None, **parts: Any
    ) -> PayloadEnvelope:
        """Process a request that waits for an answer, and give the only one."""
        [reply] = await self.ask({**filt, MESSAGE_ID: "m1"}, tuples, **parts)
        return reply

    def tuples_of(self, reply: PayloadEnvelope, dialect: Dialect = Dialect.NATIVE) -> list[Any]:
        """Return the tuples of an answer as the asker reads them."""
        text = reply.encoded(self.codec, dialect, None)
        assert text is not None
        tuples: list[Any] = self.codec.decode_payload(text, dialect).tuples
        return tuples
