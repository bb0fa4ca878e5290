"""Fakes with behaviour for the server: streams with a peer at the other end, clocks, a bus."""

import asyncio
import json
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from django_vortex.live.changes import Change
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.ports import is_on_loop
from django_vortex.server.clock import Clock
from django_vortex.server.connection import Connection
from django_vortex.server.fan_out import ReceiveRecord, Record, ReportGap, ReportSent
from django_vortex.server.identity import Identity
from django_vortex.server.options import ServerOptions
from django_vortex.server.server import Server
from django_vortex.server.stream import Burst, StreamClosed
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import MESSAGE_ID

CODEC = Codec()
ADDRESS = "192.0.2.1"
SERVER_UUID = "11111111-1111-4111-8111-111111111111"


def receive_body(connection: Connection, data: str | bytes) -> None:
    """Give a connection the whole body of an HTTP request, as the view does."""
    protocol = Protocol(CODEC, framed=True, dialect=connection.dialect)
    events = [*protocol.receive(data), *protocol.finish()]
    connection.receive_events(events, protocol.dialect)


def tell_on_loop(
    server: Server, loop: asyncio.AbstractEventLoop, changes: Sequence[Change]
) -> None:
    """Tell a server what was committed, from whatever thread, as the hub does."""
    if is_on_loop():
        server.tell(changes)
    else:
        loop.call_soon_threadsafe(server.tell, changes)


class FakeClock:
    """Time that stands still until it is told to pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=self, wall=lambda: 1_700_000_000 + self.seconds)


class FakeStream:
    """A stream whose peer reads when it is told to.

    A WebSocket hands each text to the peer, and blocks while `is_blocked`. An HTTP response keeps
    texts in a slot until the peer reads, and blocks when the slot is full. With `writes_now` a
    WebSocket takes texts without `send` while it does not block.
    """

    def __init__(self, *, framed: bool = False, slot: int = 0) -> None:
        self.framed = framed
        self.received: list[Any] = []
        self.closed_with: tuple[int, str] | None = None
        self.is_blocked = False
        self.sends = 0
        self.writes_now = False
        self._slot_size = slot
        self._slot: list[Any] = []
        self._waiting: str | bytes | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        return self.is_blocked or (self._slot_size > 0 and len(self._slot) >= self._slot_size)

    def write_now(self, text: str | bytes) -> bool:
        if not self.writes_now or self.is_full or self.closed_with is not None:
            return False
        self.received.append(text)
        return True

    async def send(self, text: str | bytes) -> None:
        self.sends += 1
        while self.is_full and self.closed_with is None:
            self._waiting = text
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
                if self._waiting is None:
                    raise StreamClosed("taken back")
            finally:
                self._waiting = None
        if self.closed_with is not None:
            raise StreamClosed("closed")
        if self._slot_size:
            self._slot.append(text)
        else:
            self.received.append(text)

    def close(self, code: int, reason: str, last_text: str = "") -> None:
        if self.closed_with is None:
            self.closed_with = (code, reason)
            self._slot += [last_text] if last_text else []
            # What is in the slot still goes out, as the ASGI server has not seen the end yet.
            self.received += self._slot
            self._slot = []
            self._wake()

    def take_unsent(self) -> list[str | bytes]:
        unsent, self._slot = self._slot, []
        if self._waiting is not None:
            unsent.append(self._waiting)
            self._waiting = None
        return unsent

    def read(self, count: int | None = None) -> None:
        """Let the peer read so many texts of the slot, all by default."""
        count = len(self._slot) if count is None else count
        self.received += self._slot[:count]
        self._slot = self._slot[count:]
        self._wake()

    def unblock(self) -> None:
        self.is_blocked = False
        self._wake()

    def envelopes(self, dialect: Dialect | None = None) -> list[PayloadEnvelope]:
        """What the peer made of the texts, without heart-beats and introductions."""
        protocol = Protocol(
            CODEC, framed=self.framed, dialect=dialect, whole_frames=not self.framed
        )
        # Over a real socket plain text arrives.
        events = [
            event
            for text in self.received
            for event in protocol.receive(text if isinstance(text, bytes) else str(text))
        ]
        return [
            event.envelope
            for event in events
            if isinstance(event, EnvelopeReceived) and not event.envelope.is_empty
        ]

    def values(self) -> list[Any]:
        """The tuples of all payloads that the peer got, in order, in whatever dialect."""
        return [
            value
            for envelope in self.envelopes(Dialect.NATIVE)
            for value in envelope.decode_payload(CODEC).tuples
        ]

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Bus:
    """Carries records between fan-outs when it is told to: in order between any two of them."""

    def __init__(self) -> None:
        self.fan_outs: list[FakeFanOut] = []
        self._links: dict[tuple[str, str], deque[tuple[int, Record]]] = {}

    @property
    def busy_links(self) -> list[tuple[str, str]]:
        return [link for link, records in self._links.items() if records]

    def put(self, source: str, sequence: int, record: Record) -> None:
        for fan_out in self.fan_outs:
            if fan_out.process != source:
                link = self._links.setdefault((source, fan_out.process), deque())
                link.append((sequence, record))

    def carry(self, link: tuple[str, str]) -> None:
        """Let one record arrive."""
        sequence, record = self._links[link].popleft()
        source, target = link
        for fan_out in self.fan_outs:
            if fan_out.process == target and fan_out.receive is not None:
                fan_out.receive(source, sequence, record)

    def carry_all(self) -> None:
        while links := self.busy_links:
            self.carry(links[0])

    def lose(self, link: tuple[str, str]) -> None:
        self._links[link].popleft()


class FakeFanOut:
    """One process on a `Bus`."""

    def __init__(self, bus: Bus, process: str) -> None:
        self.process = process
        self.last_sequence = 0
        self.receive: ReceiveRecord | None = None
        self.report_gap: ReportGap | None = None
        self.published: list[Record] = []
        self.failure: Exception | None = None
        self.is_stopped = False
        self._bus = bus
        bus.fan_outs.append(self)

    async def start(self, receive: ReceiveRecord, report_gap: ReportGap | None = None) -> None:
        self.receive = receive
        self.report_gap = report_gap

    def publish(self, record: Record, report_sent: ReportSent | None = None) -> int:
        if self.failure is not None:
            raise self.failure
        self.last_sequence += 1
        self.published.append(record)
        self._bus.put(self.process, self.last_sequence, record)
        if report_sent is not None:
            report_sent(None)
        return self.last_sequence

    async def stop(self, seconds: float) -> None:
        self.is_stopped = True


def make_server(
    clock: FakeClock | None = None,
    *,
    fan_out: FakeFanOut | None = None,
    payload_io: PayloadIO | None = None,
    burst: Burst | None = None,
    **options: Any,
) -> Server:
    return Server(
        payload_io or PayloadIO(),
        CODEC,
        ServerOptions(**options),
        fan_out=fan_out,
        burst=burst,
        clock=(clock or FakeClock()).clock,
        uuid=SERVER_UUID,
    )


async def open_peer(
    server: Server,
    stream: FakeStream,
    uuid: str = "peer",
    *,
    name: str = "test",
    identity: Identity | None = None,
    dialect: Dialect | None = Dialect.D2,
) -> Connection:
    peer = Peer(uuid=uuid, name=name, address=ADDRESS)
    identity = identity or Identity("address", ADDRESS, ADDRESS)
    return await server.open(peer, identity, stream, dialect=dialect)


def note(*values: Any, key: str = "test.note", **filt: Any) -> PayloadEnvelope:
    return PayloadEnvelope({"key": key, **filt}, Payload(tuples=list(values)))


def message(envelope: PayloadEnvelope, dialect: Dialect = Dialect.D2, framed: bool = False) -> str:
    """What a peer sends."""
    return encode_message(envelope, WireForm(dialect, framed), None, CODEC)


def infos(stream: FakeStream) -> list[str]:
    """The server uuids in the introductions that the peer got."""
    found = []
    for text in stream.received:
        for piece in text.split(".") if not text.startswith("{") else [text]:
            if piece:
                json_text = piece if piece.startswith("{") else b64decode(piece)
                filt = json.loads(json_text)["filt"]
                if "__vortexUuid__" in filt:
                    found.append(filt["__vortexUuid__"])
    return found


def serve(payload_io: PayloadIO, key: str, handler: Callable[..., Any]) -> PayloadEndpoint:
    return PayloadEndpoint({"key": key}, handler, payload_io=payload_io)


async def settle(turns: int = 20) -> None:
    """Let everything run that waits for nothing."""
    for _ in range(turns):
        await asyncio.sleep(0)


class WaitingHandler:
    """Waits for ever, and knows what has become of each request by its id."""

    def __init__(self, *, is_stubborn=False):
        self.begun, self.cancelled, self.requests = [], [], []
        self._is_stubborn = is_stubborn

    async def __call__(self, request):
        label = request.filt[MESSAGE_ID]
        self.begun.append(label)
        self.requests.append(request)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(label)
            if not self._is_stubborn:
                raise
        return [label]  # as a handler in a thread, which cannot be stopped
