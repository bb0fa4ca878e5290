"""`AsyncPeer`: the other end of a connection, in the same process and on the same loop."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django_vortex.client.answers import read_answer
from django_vortex.routing.filt import FiltPattern
from django_vortex.routing.peer import Peer
from django_vortex.server.connection import Connection
from django_vortex.server.identity import Identity
from django_vortex.server.server import Server
from django_vortex.testing.failures import NothingReceived, PeerClosed
from django_vortex.testing.received import Received
from django_vortex.testing.stream import MemoryStream
from django_vortex.testing.watch import WAIT_SECONDS, AsyncWatch
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived, FailureReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload
from django_vortex.wire.pieces import PiecedText
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import MESSAGE_ID, NORMAL_CLOSURE, WATCH_KEY

_numbers = count(1)


class AsyncPeer:
    """A connected peer. All messages are encoded and decoded, as over a socket.

    The server writes to it directly, so a push has arrived when the application's `send` returns.

    Attributes:
        uuid: Its ``vortexUuid``, as handlers see it in ``request.peer.uuid``.
        unread: Messages that came and that `receive` has not returned yet, oldest first.
    """

    def __init__(self, uuid: str, codec: Codec, dialect: Dialect) -> None:
        self.uuid = uuid
        self.unread: list[Received] = []
        self._codec = codec
        framed = dialect is Dialect.D0  # which is spoken over HTTP alone
        self._form = WireForm(dialect, framed=framed)
        self._protocol = Protocol(codec, framed=framed, dialect=dialect, whole_frames=not framed)
        self._connection: Connection | None = None
        self._stream = MemoryStream(self._hear, self._lose, framed=framed)
        self._closed: PeerClosed | None = None
        self._arrivals: set[asyncio.Future[None]] = set()

    async def request(
        self, filt: Filt, tuples: Iterable[Any] | None = None, *, timeout: float = WAIT_SECONDS
    ) -> Received:
        """Send a request and wait for the answer to it.

        Args:
            filt: What it is about; the id that marks the answer is added.
            tuples: The content; None sends no payload.
            timeout: Seconds after which the test fails.

        Raises:
            NothingReceived: No answer came.
            PeerClosed: The server has ended the connection.
        """
        marked = {**filt, MESSAGE_ID: f"{self.uuid}.{next(_numbers)}"}
        self._write(marked, tuples)
        return await self.receive({MESSAGE_ID: marked[MESSAGE_ID]}, timeout=timeout)

    async def send(
        self, filt: Filt, tuples: Iterable[Any] | None = None, *, timeout: float = WAIT_SECONDS
    ) -> None:
        """Send something and wait until its handlers have ended.

        Args:
            filt: What it is about.
            tuples: The content; None sends no payload.
            timeout: Seconds after which the test fails.

        Raises:
            TimeoutError: A handler did not end.
            PeerClosed: The server has ended the connection.
        """
        connection = self._get_connection()
        before = set(connection.requests.tasks)
        self._write(filt, tuples)
        started = connection.requests.tasks - before
        async with asyncio.timeout(timeout):
            await asyncio.gather(*started, return_exceptions=True)

    async def receive(self, filt: Filt | None = None, *, timeout: float = WAIT_SECONDS) -> Received:
        """Wait for a push or an answer and take it out of `unread`.

        Args:
            filt: What its filt must contain; by default the oldest unread message is returned.
            timeout: Seconds after which the test fails.

        Raises:
            NothingReceived: Nothing such came.
            PeerClosed: The server has ended the connection.
        """
        wanted = filt or {}
        pattern = FiltPattern(wanted)
        try:
            async with asyncio.timeout(timeout):
                while (found := self._take(pattern)) is None:
                    self._get_connection()
                    await self._arrival()
        except TimeoutError:
            raise NothingReceived(wanted, timeout, self.unread) from None
        return found

    async def watch(self, what: str | Filt, /, **arguments: Any) -> AsyncWatch:
        """Watch an answer: `AsyncWatch.next` gives it, and each other one that it becomes.

        Within a ``TestCase``, where nothing is committed, what is written in no savepoint of the
        application's own counts as committed, and so does the release of its outermost one.

        Args:
            what: A name, or a filt; a name stands for ``{"key": name, **arguments}``.
            arguments: Put into the filt.

        Raises:
            PeerError: The server refuses.
        """
        filt = {**({"key": what} if isinstance(what, str) else what), **arguments}
        reply = await self.request({"key": WATCH_KEY}, [{"filt": filt, "tag": None}])
        [told] = read_answer(reply.envelope, self._codec).tuples
        if "error" in told:
            read_answer(PayloadEnvelope({}, result=told["error"]), self._codec)
        return AsyncWatch(self, told["watch"], self._codec)

    async def enter(self, server: Server, peer: Peer, identity: Identity) -> None:
        """Connect to a server.

        Raises:
            RefusedError: The server refuses the peer.
        """
        self._connection = await server.open(
            peer, identity, self._stream, dialect=self._form.dialect
        )

    async def leave(self) -> None:
        """Disconnect as a closed browser tab does: requests that run are cancelled."""
        connection, self._connection = self._connection, None
        if connection is not None:
            tasks = set(connection.requests.tasks)
            connection.detach(self._stream)
            connection.close(NORMAL_CLOSURE, "")  # over HTTP it would be held
            await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, text: str | bytes) -> None:
        events = self._protocol.receive(text)
        if self._form.framed:
            events += self._protocol.finish()  # each is a body of its own
        for event in events:
            if isinstance(event, FailureReceived):
                raise AssertionError(f"The server wrote what is no message: {event.error}")
            if isinstance(event, EnvelopeReceived) and not event.envelope.is_empty:
                self.unread.append(Received(event.envelope, self._codec))
        self._notice()

    def _lose(self, code: int, reason: str) -> None:
        self._closed = PeerClosed(code, reason)
        self._notice()

    def _write(self, filt: Filt, tuples: Iterable[Any] | None) -> None:
        payload = None if tuples is None else Payload(filt, tuples=list(tuples))
        envelope = PayloadEnvelope(filt, payload)
        text = encode_message(envelope, self._form, datetime.now(UTC), self._codec)
        connection = self._get_connection()
        if self._form.framed:
            protocol = Protocol(self._codec, framed=True, dialect=connection.dialect)
            events = [*protocol.receive(text), *protocol.finish()]
            connection.receive_events(events, protocol.dialect)
            return
        if not self._form.dialect.is_raw_json:
            text += "."  # which ends base64 on the way to a server, but not back (PROTOCOL 6.3)
        connection.receive(str(text))
        if isinstance(text, PiecedText):
            for piece in text.pieces():
                connection.receive(piece)

    def _get_connection(self) -> Connection:
        if self._closed is not None:
            raise self._closed
        if self._connection is None:
            raise PeerClosed(1000, "The test has ended it")
        return self._connection

    def _take(self, pattern: FiltPattern) -> Received | None:
        for index, received in enumerate(self.unread):
            if pattern.matches(received.filt):
                return self.unread.pop(index)
        return None

    async def _arrival(self) -> None:
        arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals.add(arrival)
        try:
            await arrival
        finally:
            self._arrivals.discard(arrival)

    def _notice(self) -> None:
        for arrival in self._arrivals:
            if not arrival.done():
                arrival.set_result(None)
