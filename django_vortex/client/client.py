"""The client of an asyncio program: `Client`, four verbs over a `Core` that a `Driver` connects.

Takes calls on one event loop. Nothing here waits for the network itself: calls wait for outcomes,
which the driver's task brings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from copy import copy
from typing import Any
from uuid import uuid4

from django_vortex.client.answers import Reply, read_answer
from django_vortex.client.core import Core
from django_vortex.client.driver import Driver, closed
from django_vortex.client.errors import ClientError, Closed, NotConnected, Refused, TimedOut
from django_vortex.client.feed import MAX_WAITING, Feed
from django_vortex.client.feeds import Feeds, is_running_here
from django_vortex.client.loader import Loader
from django_vortex.client.news import Event, Offline, RefusedForGood
from django_vortex.client.outgoing import Message
from django_vortex.client.requests import Outcome
from django_vortex.client.watch import Watch
from django_vortex.client.watches import Watches
from django_vortex.exceptions import DefinitionError, WireError, quoted, shortened
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

    def __init__(self, core: Core, driver: Driver, feeds: Feeds) -> None:
        self._core = core
        self._loop = asyncio.get_running_loop()
        self._end: ClientError | None = None
        self._ended = asyncio.Event()
        self._driver = driver
        self._feeds = feeds
        self._tasks: list[asyncio.Task[None]] = []
        self._watches: Watches | None = None
        self._start()

    def __repr__(self) -> str:
        if self._end is not None:
            state = f"ended: {self._end}"
        else:
            state = "online" if self.is_online else f"offline: {self._driver.last_ending.reason}"
        return f"<Client {self._core.name!r} {self.uuid} {state}>"

    @property
    def uuid(self) -> str:
        """Who this client is to the server, over all its connections until `renew`."""
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
        try:
            async with asyncio.timeout(timeout):
                while not self._driver.online.is_set():
                    await self._wait_for_news()
                    self._check()
        except TimeoutError:
            reason = self._driver.last_ending.reason
            raise NotConnected(f"No connection within {timeout:g} s: {reason}") from None

    async def call(
        self,
        what: str | Filt,
        /,
        *,
        tuples: Iterable[Any] | None = None,
        timeout: float | None = 30.0,
        again: bool = False,
        **arguments: Any,
    ) -> Reply:
        """Ask the server and return the payload of its answer.

        Where the server has changed what this client watches, it returns when the watches contain
        that, or after five seconds (`Reply.is_reflected`).

        Args:
            what: A name, or a filt; a name stands for ``{"key": name, **arguments}``.
            tuples: What to send along.
            timeout: Seconds to wait for the answer; those without a connection do not count. None
                waits for ever. Afterwards, and when the task is cancelled, the server is told to
                stop.
            again: Whether the server may do it twice: where nobody knows what has become of it, it
                is asked again under the same id in place of `FateUnknown`.
            arguments: Put into the filt. One that is named like a keyword here is given in a filt.

        Raises:
            PeerError: The server refuses; its subclasses say why.
            TimedOut: There was no answer in time.
            FateUnknown: The session was lost meanwhile; the server may have done it.
            Closed: The client is closed.
            LimitExceeded: It is longer than the server takes.
            UnencodableValue: Something in it cannot travel.
        """
        self._check()
        filt = {**({"key": what} if isinstance(what, str) else what), **arguments}
        if isinstance(tuples, str | bytes | dict):
            raise DefinitionError(f"Expected a list of tuples, got {quoted(tuples)}")
        payload = None if tuples is None else Payload(tuples=list(tuples))
        answer: asyncio.Future[PayloadEnvelope] = self._loop.create_future()

        def settle(outcome: Outcome) -> None:
            if answer.done():
                return
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        now = self._loop.time()
        pending, message = self._core.request(filt, payload, timeout, now, settle, may_repeat=again)
        try:
            await self._put(message)
            envelope = await answer
        except BaseException:
            self._core.withdraw(pending)
            self._driver.wake()
            self._driver.written.set()  # it may have made room
            if answer.done() and not answer.cancelled():
                answer.exception()  # or it would be reported as never retrieved
            raise
        return read_answer(envelope, self._core.codec, is_reflected=pending.is_reflected)

    async def send(self, payload: Payload) -> None:
        """Send a payload that nobody answers; returns when it waits to be written.

        What waits is bounded: while there is no room this waits, too.

        Raises:
            Closed: The client is closed.
            LimitExceeded: It is longer than the server takes.
            UnencodableValue: Something in it cannot travel.
            DefinitionError: It is no payload.
        """
        self._check()
        if not isinstance(payload, Payload):
            raise DefinitionError(f"Expected a Payload, got {quoted(payload)}")
        await self._put(self._core.encode(payload.filt, payload))

    async def flush(self, timeout: float | None = 5.0) -> None:
        """Wait until everything that was sent before has arrived at the server.

        A server of VortexPY's own, or of the version before, does not tell; there it is written.

        Raises:
            TimedOut: It has not in ``timeout`` seconds; ``left`` says how much has not.
            Closed: The client is closed.
        """
        self._check()
        core = self._core
        try:
            async with asyncio.timeout(timeout):
                while core.unsettled:
                    if core.ask_arrival():
                        self._driver.wake()
                    await self._wait_written()
        except TimeoutError:
            left = core.unsettled
            raise TimedOut(f"{left} messages have not arrived within {timeout:g} s", left) from None

    def on(self, filt: str | Filt, *, max_waiting: int = MAX_WAITING) -> Feed[Payload]:
        """Hear of everything whose filt contains a filt; a name is the filt ``{"key": name}``.

        Use it as ``async with vortex.on(filt) as notices: async for notice in notices: ...``.
        What comes from now on waits for its reader, also before the first step.

        Args:
            filt: What to hear of.
            max_waiting: About how many may wait; then the connection is not read for a second,
                then what does not fit is dropped, and the reader gets `Overflow` when it has read
                what waits.

        Raises:
            Closed: The client is closed.
            DefinitionError: The filt has no text under ``key``.
        """
        self._check()
        wanted = {"key": filt} if isinstance(filt, str) else filt
        listeners = self._core.listeners

        def register(put: Callable[[Payload], None]) -> Callable[[], None]:
            def deliver(envelope: PayloadEnvelope) -> None:
                payload = self._decode(envelope)
                if payload is not None:
                    put(payload)

            listener = listeners.add(wanted, deliver)
            return lambda: listeners.remove(listener)

        return self._feeds.open(max_waiting, register)

    def watch(self, what: str | Filt, /, **arguments: Any) -> Watch:
        """Watch an answer: whatever the server answers to a filt, now and after every change.

        Use it as ``async with vortex.watch(name) as rows: async for answer in rows: ...``, or with
        ``changes()`` for what has changed. What is watched in the same turn of the loop is asked
        for in one message, and so is everything after a reconnection, which sends only what has
        changed meanwhile.

        Args:
            what: A name, or a filt; a name stands for ``{"key": name, **arguments}``.
            arguments: Put into the filt.

        Raises:
            Closed: The client is closed.
            DefinitionError: The filt has no text under ``key``, or holds what cannot travel.
            ClientError: The server is VortexPY's own, which has no watches.
        """
        self._check()
        if not self._core.dialect.is_native:
            raise ClientError("A server of VortexPY has no watches")
        if self._watches is None:
            self._watches = Watches(self._core, self._feeds, self._driver.wake)
        return self._watches.open(
            {**({"key": what} if isinstance(what, str) else what), **arguments}
        )

    def events(self, *, max_waiting: int = MAX_WAITING) -> Feed[Event]:
        """Hear of what happens to the connection: `Online`, `Offline`, `Lost`, `RefusedForGood`."""
        self._check()
        return self._feeds.open_events(max_waiting)

    def loader(self, filt: Filt, *, identity: Collection[str] = ("id", "version")) -> Loader:
        """Return the editor of one row that an `OrmCrudHandler` of the server keeps.

        Use it as ``async with vortex.loader({"key": ..., "id": 7}) as ticket: ...``.

        Args:
            filt: What the row is found by.
            identity: The fields that go along with every save, beside those that were changed:
                the primary key and the version.
        """
        return Loader(self.call, filt, self._core.codec, self._core.dialect, identity)

    async def renew(self, timeout: float | None = 10.0) -> None:
        """Connect anew as another peer: after a login, after a logout, or after `Refused`.

        What waits is written to the old connection if that goes quickly, else it is dropped. Calls
        that have no answer yet fail; readers of `on` go on. The token is asked for anew, and there
        may be none now.

        Args:
            timeout: Seconds to wait for the new connection; None waits for ever, 0 not at all.

        Raises:
            NotConnected: There was no connection in time; the client goes on to try.
            Refused: The server does not let this client in.
            Closed: The client is closed.
        """
        if not isinstance(self._end, Refused):
            self._check()
            await self._write_what_waits()
            self._check()
        was_online = self.is_online
        self._end = None
        self._ended.clear()
        dropped = self._core.begin_anew(str(uuid4()), self._loop.time())
        if dropped:
            logger.warning("The client begins anew: %d messages were not written", dropped)
        self._driver.begin_anew()
        if was_online:
            self._feeds.tell(Offline("The client begins anew"))
        self._start()
        if timeout != 0:
            await self.wait_online(timeout)

    async def close(self) -> None:
        """End the client within a bound, whatever the server does; who waits gets `Closed`."""
        self._finish_with(closed())
        for task in self._tasks:
            task.cancel()
        cancelled: asyncio.CancelledError | None = None
        while not all(task.done() for task in self._tasks):
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError as error:  # they are ended before this is
                cancelled = error
        if cancelled is not None:
            raise cancelled

    async def leave(self) -> None:
        """Write what waits, if that goes quickly, and `close`."""
        try:
            if self._end is None:
                await self._write_what_waits()
        finally:
            await self.close()

    async def _write_what_waits(self) -> None:
        try:
            if self.is_online:
                await self.flush(EXIT_SECONDS)
        except ClientError as error:
            logger.warning("The client leaves its connection: %s", error)

    def _start(self) -> None:
        """Connect, once what ran before has ended."""
        before = [task for task in self._tasks if not task.done()]
        for task in before:
            task.cancel()
        run = asyncio.create_task(self._run(before), name="vortex-client")
        self._tasks = [*before, run]

    async def _run(self, before: list[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        try:
            error = await self._driver.run()
        except Exception as failure:
            logger.exception("The client failed")
            self._finish_with(Closed(f"The client failed: {failure!r}"))
        else:
            if isinstance(error, Refused):
                self._feeds.tell(RefusedForGood(str(error), error.code))
            self._finish_with(error)
        finally:
            if self._tasks[-1] is asyncio.current_task():
                self._finish_with(closed())  # unless it has ended otherwise

    def _finish_with(self, error: ClientError) -> None:
        if self._end is not None:
            return
        self._end = error
        self._ended.set()
        self._core.finish(error)
        self._feeds.finish(error)
        if self._watches is not None:
            self._watches.finish()
        self._driver.written.set()

    def _check(self) -> None:
        """Refuse calls from elsewhere, and to a client that has ended."""
        if not is_running_here(self._loop):
            raise ClientError("A client is for the event loop on which it was made")
        if self._end is not None:
            raise copy(self._end)

    async def _wait_for_news(self) -> None:
        """Wait until there is a connection, or none any more."""
        waiting = [asyncio.create_task(one.wait()) for one in (self._driver.online, self._ended)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _put(self, message: Message) -> None:
        if (excess := self._core.get_excess(message)) is not None:
            raise excess
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
