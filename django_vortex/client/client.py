"""The client of an asyncio program: `Client`, four verbs over a `Core` that a `Driver` connects.

Takes calls on one event loop. Nothing here waits for the network itself: calls wait for outcomes,
which the driver's task brings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from copy import copy
from typing import Any

from django_vortex.client.answers import read_answer
from django_vortex.client.core import Core
from django_vortex.client.driver import Driver, closed
from django_vortex.client.feed import MAX_WAITING, Feed
from django_vortex.client.loader import Loader
from django_vortex.client.news import Event, RefusedForGood
from django_vortex.client.outgoing import Message
from django_vortex.client.requests import Outcome
from django_vortex.exceptions import (
    ClientError,
    Closed,
    NotConnected,
    Refused,
    TimedOut,
    WireError,
    shortened,
)
from django_vortex.logs import get_limited_logger
from django_vortex.typedefs import Filt
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

logger = get_limited_logger("django_vortex.client")

EXIT_SECONDS = 1.0
"""How long leaving waits for what is still to be written."""


class Client:
    """One peer of a server; made by `connect`.

    It comes back by itself after a cut. All methods are for the event loop on which it was made.
    """

    def __init__(
        self, core: Core, make_driver: Callable[[Callable[[Event], None]], Driver]
    ) -> None:
        self._core = core
        self._loop = asyncio.get_running_loop()
        self._events: list[Callable[[Event], None]] = []
        self._finish: dict[object, Callable[[ClientError], None]] = {}
        self._end: ClientError | None = None
        self._driver = make_driver(self._tell)
        self._task = asyncio.create_task(self._run(), name="vortex-client")

    @property
    def uuid(self) -> str:
        """Who this client is to the server, over all its connections."""
        return self._core.uuid

    @property
    def is_online(self) -> bool:
        """Whether there is a connection at the moment."""
        return self._core.is_online

    async def wait_online(self, timeout: float | None = None) -> None:
        """Wait until there is a connection.

        Raises:
            NotConnected: There was none in ``timeout`` seconds.
            Closed: There will be none any more.
        """
        self._check()
        online = asyncio.create_task(self._driver.online.wait())
        try:
            await asyncio.wait(
                {online, self._task}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            online.cancel()
        self._check()
        if not self._driver.online.is_set():
            reason = self._driver.last_ending.reason
            raise NotConnected(f"No connection within {timeout:g} s: {reason}")

    async def call(
        self,
        what: str | Filt,
        /,
        *,
        tuples: Iterable[Any] | None = None,
        timeout: float | None = 30.0,
        **arguments: Any,
    ) -> Payload:
        """Ask the server and return the payload of its answer.

        Args:
            what: A name, or a filt; a name stands for ``{"key": name, **arguments}``.
            tuples: What to send along.
            timeout: Seconds to wait for the answer; those without a connection do not count. None
                waits for ever. Afterwards, and when the task is cancelled, the server is told to
                stop.
            arguments: Put into the filt. One that is named like a keyword here is given in a filt.

        Raises:
            PeerError: The server refuses; its subclasses say why.
            TimedOut: There was no answer in time.
            FateUnknown: The connection was lost meanwhile; the server may have done it.
            Closed: The client is closed.
            UnencodableValue: Something in it cannot travel.
        """
        self._check()
        filt = {**({"key": what} if isinstance(what, str) else what), **arguments}
        payload = None if tuples is None else Payload(filt, list(tuples))
        answer: asyncio.Future[PayloadEnvelope] = self._loop.create_future()

        def settle(outcome: Outcome) -> None:
            if answer.done():
                return
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        pending, message = self._core.request(filt, payload, timeout, self._loop.time(), settle)
        try:
            await self._put(message)
            envelope = await answer
        except BaseException:
            self._core.withdraw(pending)
            self._driver.wake()
            if answer.done() and not answer.cancelled():
                answer.exception()  # or it would be reported as never retrieved
            raise
        return read_answer(envelope, self._core.codec)

    async def send(self, payload: Payload) -> None:
        """Send a payload that nobody answers; returns when it waits to be written.

        What waits is bounded: while there is no room this waits, too.

        Raises:
            Closed: The client is closed.
            UnencodableValue: Something in it cannot travel.
        """
        self._check()
        await self._put(self._core.encode(payload.filt, payload))

    async def flush(self, timeout: float | None = 5.0) -> None:
        """Wait until everything that was sent before is written to the connection.

        Raises:
            TimedOut: It was not in ``timeout`` seconds; ``left`` says how much is not.
            Closed: The client is closed.
        """
        self._check()
        outgoing = self._core.outgoing
        try:
            async with asyncio.timeout(timeout):
                while len(outgoing):
                    await self._wait_written()
        except TimeoutError:
            left = len(outgoing)
            raise TimedOut(f"{left} messages are not written within {timeout:g} s", left) from None

    def on(self, filt: str | Filt, *, max_waiting: int = MAX_WAITING) -> Feed[Payload]:
        """Hear of everything whose filt contains a filt; a name is the filt ``{"key": name}``.

        Use it as ``async with vortex.on(filt) as notices: async for notice in notices: ...``.
        What comes from now on waits for its reader, also before the first step.

        Args:
            filt: What to hear of.
            max_waiting: How many may wait; what does not fit is dropped, and the reader gets
                `Overflow` when it has read what waits.

        Raises:
            Closed: The client is closed.
            DefinitionError: The filt has no text under ``key``.
        """
        self._check()
        feed: Feed[Payload] = Feed(max_waiting)
        put = feed.put

        def deliver(envelope: PayloadEnvelope) -> None:
            payload = self._decode(envelope)
            if payload is not None:
                put(payload)

        wanted = {"key": filt} if isinstance(filt, str) else filt
        listener = self._core.listeners.add(wanted, deliver)
        self._finish[listener] = feed.finish

        def release() -> None:
            self._core.listeners.remove(listener)
            self._finish.pop(listener, None)

        self._on_release(feed, release)
        return feed

    def events(self, *, max_waiting: int = MAX_WAITING) -> Feed[Event]:
        """Hear of what happens to the connection: `Online`, `Offline`, `RefusedForGood`."""
        self._check()
        feed: Feed[Event] = Feed(max_waiting)
        put = feed.put
        self._events.append(put)
        self._finish[put] = feed.finish

        def release() -> None:
            if put in self._events:
                self._events.remove(put)
            self._finish.pop(put, None)

        self._on_release(feed, release)
        return feed

    def loader(self, filt: Filt, *, identity: Collection[str] = ("id", "version")) -> Loader:
        """Return the editor of one row that an `OrmCrudHandler` of the server keeps.

        Use it as ``async with vortex.loader({"key": ..., "id": 7}) as ticket: ...``.

        Args:
            filt: What the row is found by.
            identity: The fields that go along with every save, beside those that were changed:
                the primary key and the version.
        """
        return Loader(self.call, filt, self._core.codec, self._core.dialect, identity)

    async def close(self) -> None:
        """End the client within a bound, whatever the server does; who waits gets `Closed`."""
        self._finish_with(closed())
        self._task.cancel()
        await asyncio.wait({self._task})

    async def leave(self) -> None:
        """Write what waits, if that goes quickly, and `close`."""
        try:
            if self._end is None and self.is_online:
                await self.flush(EXIT_SECONDS)
        except ClientError as error:
            logger.warning("The client is closed: %s", error)
        finally:
            await asyncio.shield(asyncio.ensure_future(self.close()))

    async def _run(self) -> None:
        try:
            error = await self._driver.run()
        except Exception as failure:
            logger.exception("The client failed")
            self._finish_with(Closed(f"The client failed: {failure!r}"))
        else:
            if isinstance(error, Refused):
                self._tell(RefusedForGood(str(error), error.code))
            self._finish_with(error)
        finally:
            self._finish_with(closed())  # unless it has ended otherwise

    def _finish_with(self, error: ClientError) -> None:
        if self._end is not None:
            return
        self._end = error
        self._core.finish(error)
        for finish in list(self._finish.values()):
            finish(error)
        self._driver.written.set()

    def _check(self) -> None:
        """Refuse calls from elsewhere, and to a client that has ended."""
        if not self._is_on_loop():
            raise ClientError("A client is for the event loop on which it was made")
        if self._end is not None:
            raise copy(self._end)

    def _is_on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:  # none runs here
            return False

    async def _put(self, message: Message) -> None:
        outgoing = self._core.outgoing
        while not outgoing.has_room(message):
            await self._wait_written()
        outgoing.put(message)
        self._driver.wake()

    async def _wait_written(self) -> None:
        written = self._driver.written
        written.clear()
        await written.wait()
        self._check()

    def _decode(self, envelope: PayloadEnvelope) -> Payload | None:
        """Return the payload of a push, under the push's filt; an unreadable one is logged."""
        try:
            payload = envelope.decode_payload(self._core.codec)
        except WireError as error:
            logger.warning("A push cannot be read: %s", shortened(str(error)))
            return None
        return Payload(envelope.filt, payload.tuples, payload.date or envelope.date)

    def _on_release(self, feed: Feed[Any], release: Callable[[], None]) -> None:
        """Let a feed end its registration, also one that is collected in another thread."""

        def release_on_loop() -> None:
            if self._is_on_loop():
                release()
            elif not self._loop.is_closed():
                self._loop.call_soon_threadsafe(release)

        feed.on_release(release_on_loop)

    def _tell(self, event: Event) -> None:
        for put in list(self._events):
            put(event)
