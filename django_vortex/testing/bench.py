"""The server that the peers of one test share: a real one, without network or other processes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import TypeAlias

from django_vortex.orm.crud.stores import read_statement
from django_vortex.orm.django.errors import translate_error
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.options import ServerOptions
from django_vortex.server.server import Server
from django_vortex.testing.inline import run_in_test, running_loop
from django_vortex.testing.live import committing, make_live
from django_vortex.transports.permission import get_permission
from django_vortex.transports.sending import call_to, divert, encode, push_to
from django_vortex.wire.envelope import PayloadEnvelope

CallOnLoop: TypeAlias = Callable[[Callable[[], "asyncio.Future[int] | None"]], None]
"""Calls a function on a loop that is not running, and returns when what it returns is done."""

STOP_SECONDS = 5.0
"""How long handlers may go on when the last peer has left; then they are cancelled."""

OPTIONS = ServerOptions(
    name="testing",
    heartbeat_seconds=3600.0,
    peer_timeout_seconds=86_400.0,  # somebody may sit in a debugger
    throttle_peers=0,
    throttle_peers_per_address=0,
)


class Bench:
    """A server on the running loop; what is sent anywhere goes to its peers.

    Args:
        payload_io: Answers the peers.
        call: Calls a function on the loop if that runs only now and then.
    """

    def __init__(self, payload_io: PayloadIO, call: CallOnLoop | None) -> None:
        self.payload_io = payload_io
        self.loop = asyncio.get_running_loop()
        live = make_live(payload_io, lambda: self.server.connections)
        self.server = Server(payload_io, payload_io.codec, OPTIONS, live=live)
        self.peers = 0
        self._call = call
        self._thread = threading.get_ident()
        self._bindings = ExitStack()
        self._commits = AsyncExitStack()

    async def bind(self) -> None:
        """Take over running blocking code and sending, and what is committed."""
        self._bindings.enter_context(
            self.payload_io.bound(
                run_sync=run_in_test,
                push=self.push,
                get_permission=get_permission,
                translate_error=translate_error,
                read_statement=read_statement,
            )
        )
        self._bindings.enter_context(divert(self.push, self.call))
        await self._commits.enter_async_context(committing(lambda: self.server.is_watched))

    async def stop(self) -> None:
        """End the server, whose handlers need all that until then, and restore it."""
        await self._commits.aclose()
        try:
            await self.server.stop(STOP_SECONDS)
        finally:
            self._bindings.close()

    def push(
        self, envelope: PayloadEnvelope, to: Address, /, *, coalesce: bool = False
    ) -> "Future[int]":
        """Push to the peers of the test; in its own thread they have it when this returns.

        Raises:
            DefinitionError: Something in it can not be encoded.
        """
        encode(envelope, self.server.codec)
        return self._run(
            lambda future: push_to(self.server, future, envelope, to, coalesce=coalesce)
        )

    def call(self, function: Callable[[Server], int]) -> "Future[int]":
        """Call a function with the server; in the test's own thread it is done on return."""
        return self._run(lambda future: call_to(self.server, future, function))

    def _run(self, function: Callable[["Future[int]"], None]) -> "Future[int]":
        future: Future[int] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                function(future)

        if threading.get_ident() != self._thread:
            self.loop.call_soon_threadsafe(call)
        elif self.loop.is_running():
            with running_loop(self.loop):  # hidden from a handler that runs inline
                call()
        elif self._call is not None:
            self._call(call)
            if not future.done():  # each peer gets its own, which takes the loop a while
                self._call(lambda: asyncio.wrap_future(future))
        return future


_current: Bench | None = None


@asynccontextmanager
async def use_bench(payload_io: PayloadIO, call: CallOnLoop | None = None) -> AsyncIterator[Bench]:
    """Return the bench of the running loop; the first user makes it, the last one stops it."""
    global _current
    bench = _current
    if bench is None or bench.loop.is_closed():
        bench = _current = Bench(payload_io, call)
        try:
            await bench.bind()
        except BaseException:
            _current = None
            await bench.stop()
            raise
    elif bench.loop is not asyncio.get_running_loop():
        raise RuntimeError(
            "Peers of one test must all be used with `with`, or all with `async with`"
        )
    elif bench.payload_io is not payload_io:
        raise RuntimeError("Peers of one test must use the same PayloadIO")
    bench.peers += 1
    try:
        yield bench
    finally:
        bench.peers -= 1
        if not bench.peers:
            _current = None
            await bench.stop()
