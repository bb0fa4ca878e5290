"""Sessions between the client's core and servers, with streams, records and time by hand.

Cuts, changes of transport and of process come at any moment, and records between processes in any
order that the layer allows. As long as the servers live nothing is lost, doubled or reordered.
"""

import asyncio
import random
from collections import Counter, defaultdict
from typing import Any

import pytest

from django_vortex.client.core import Core
from django_vortex.client.endings import Ending
from django_vortex.client.requests import Outcome
from django_vortex.exceptions import RefusedError
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.server.identity import Identity
from django_vortex.server.server import Server
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.framing import reframe
from django_vortex.wire.opening import read_opening
from django_vortex.wire.payload import Payload
from django_vortex.wire.protocol import Protocol
from tests.unit.server.fakes import (
    CODEC,
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    make_server,
    note,
    serve,
    settle,
)

STEPS = 250
CUT = Ending("cut")


class Traveller:
    """A client whose every byte is carried by hand."""

    def __init__(self, servers: list[Server], clock: FakeClock, rng: random.Random) -> None:
        self.core = Core("uuid", "test", CODEC)
        self.pushed: defaultdict[str, list[int]] = defaultdict(list)
        self.outcomes: dict[int, Outcome] = {}
        self.faults: list[str] = []
        self._servers = servers
        self._clock = clock
        self._rng = rng
        self._framed = False
        self._server = servers[0]
        self._streams: list[FakeStream] = []  # those after the first are not read yet
        self._read = 0
        self._opening: asyncio.Task[Any] | None = None
        self._connection: Any = None
        self._sent = 0
        self.core.listeners.add({"key": "test.note"}, self._hear)

    def _hear(self, envelope: Any) -> None:
        source, number = envelope.decode_payload(CODEC).tuples
        self.pushed[source].append(number)

    @property
    def now(self) -> float:
        return self._clock.seconds

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    async def ask(self) -> None:
        """Make a request, which is written when there is a stream."""
        self._sent += 1
        number = self._sent
        filt = {"key": "test.count"}
        _, message = self.core.request(
            filt,
            Payload(filt, [number]),
            None,
            self.now,
            lambda outcome: self.outcomes.update({number: outcome}),
        )
        self.core.outgoing.put(message)

    async def connect(self) -> None:
        """Begin with a stream of either kind to any server."""
        self._framed = self._rng.random() < 0.5
        self._server = self._rng.choice(self._servers)
        self._streams, self._read = [], 0
        await self._open(continues=False, body="")
        self.core.begin(self.now, framed=self._framed)

    async def _open(self, *, continues: bool, body: str) -> None:
        opening = read_opening(self.core.session.make_opening(continues=continues))
        assert opening is not None
        stream = FakeStream(framed=self._framed, slot=self._rng.choice([1, 3, 50]))
        self._streams.append(stream)
        address = f"192.0.2.{self._rng.randrange(250)}"  # another network each time
        peer = Peer(uuid="uuid", name="test", address=address)
        identity = Identity("address", address, address, "digest of the key")
        self._connection = None
        self._opening = asyncio.create_task(
            self._accept(stream, peer, identity, opening, self._server, body)
        )
        await settle()

    async def _accept(
        self,
        stream: FakeStream,
        peer: Peer,
        identity: Identity,
        opening: Any,
        server: Server,
        body: str,
    ) -> None:
        try:
            connection = await server.open(
                peer, identity, stream, dialect=Dialect.NATIVE, opening=opening
            )
        except RefusedError:
            stream.close(4409, "late")
            return
        if stream.framed and connection.session.is_resumed:
            protocol = Protocol(CODEC, framed=True, dialect=Dialect.NATIVE)
            connection.receive_events([*protocol.receive(body), *protocol.finish()], Dialect.NATIVE)
            connection.tell_counts()
        if self._streams and stream is self._streams[-1]:
            self._connection = connection

    async def write(self) -> None:
        """Write what there is to write."""
        if self._connection is None or not self.core.is_online:
            return
        batch = self.core.take(self.now)
        beat = self.core.take_beat(self.now)
        if self._framed:
            if batch or beat is not None:
                body = "".join(reframe(one.text, framed=True) for one in batch)
                await self._open(continues=True, body=body)
            return
        for message in batch:
            if self._connection.stream is self._streams[-1]:
                self._connection.receive(message.text)
        if beat and self._connection.stream is self._streams[-1]:
            self._connection.receive(beat)

    async def read(self, count: int) -> None:
        """Let texts arrive, those of the older response first."""
        for _ in range(count):
            stream = self._streams[0] if self._streams else None
            if stream is None:
                return
            stream.read(1)
            if self._read < len(stream.received):
                text = stream.received[self._read]
                self._read += 1
                data: Any = str(text) if isinstance(text, str) else text
                ending = self.core.receive(data.encode() if stream.framed else data, self.now)
                if ending is not None:
                    self.lose(ending)
                    return
            elif stream.closed_with is not None:
                if len(self._streams) == 1:
                    self.lose(Ending("the stream has ended"))
                    return
                del self._streams[0]
                self._read = 0
                self.core.receive(b"", self.now)
            else:
                return
            await asyncio.sleep(0)

    def lose_half(self) -> None:
        """Let the server alone notice that a response has ended; what has left still arrives."""
        if self._connection is not None and self._framed and len(self._streams) == 1:
            stream = self._streams[0]
            if self._connection.stream is stream:
                stream.read(self._rng.randrange(4))
                self._connection.detach(stream)
                stream.close(1006, "cut")

    def lose(self, ending: Ending = CUT) -> None:
        """Be cut; what is under way is gone."""
        streams, self._streams = self._streams, []
        connection, self._connection = self._connection, None
        if self._opening is not None and not self._opening.done() and self._rng.random() < 0.5:
            self._opening.cancel()  # the server notices before it has answered
        for stream in streams:
            if connection is not None:
                connection.detach(stream)
        self.core.end(ending, self.now)
        lost = self.core.losses.take()
        if lost is not None:
            self.faults.append(f"lost: {lost}")


class World:
    """Two or three servers on a bus, and one client."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clock = FakeClock()
        self.bus = Bus()
        self.ran: Counter[int] = Counter()
        self.running: list[asyncio.Event] = []
        self.pushed: Counter[str] = Counter()
        self.servers: list[Server] = []
        for name in ("a", "b", "c")[: self.rng.choice([1, 2, 3])]:
            payload_io = PayloadIO()
            server = make_server(
                self.clock, fan_out=FakeFanOut(self.bus, name), payload_io=payload_io
            )
            self.endpoint(payload_io)
            self.servers.append(server)
        self.client = Traveller(self.servers, self.clock, self.rng)

    def endpoint(self, payload_io: PayloadIO) -> None:
        async def count(request: Any) -> list[int]:
            (number,) = request.payload.tuples
            self.ran[number] += 1
            if self.rng.random() < 0.5:  # the others end when the peer may be elsewhere
                self.running.append(asyncio.Event())
                await self.running[-1].wait()
            return [number]

        self.endpoints = [*getattr(self, "endpoints", []), serve(payload_io, "test.count", count)]

    async def start(self) -> None:
        for server in self.servers:
            await server.start()
        self.bus.carry_all()
        self.clock.seconds += 10
        for server in self.servers:
            server.tick()

    def push(self) -> None:
        server = self.rng.choice(self.servers)
        source = server.process
        self.pushed[source] += 1
        server.push(note(source, self.pushed[source]))

    async def step(self) -> None:
        client, rng = self.client, self.rng
        what = rng.random()
        if what < 0.15:
            self.push()
        elif what < 0.25:
            await client.ask()
        elif what < 0.45:
            await client.write()
        elif what < 0.70:
            await client.read(rng.randrange(1, 6))
        elif what < 0.90:
            for _ in range(rng.randrange(1, 8)):
                if self.bus.busy_links:
                    self.bus.carry(rng.choice(self.bus.busy_links))
        elif what < 0.93:
            self.clock.seconds += rng.random() * 0.1
            for server in self.servers:
                server.tick()
        elif what < 0.95 and client._streams:
            client.lose()
        elif what < 0.96:
            client.lose_half()
        elif self.running:
            self.running.pop(rng.randrange(len(self.running))).set()
        if not client._streams and rng.random() < 0.5:
            await client.connect()
        await settle(rng.randrange(4))

    async def finish(self) -> None:
        """Let everything arrive."""
        for _ in range(400):
            if not self.client._streams:
                await self.client.connect()
            while self.running:
                self.running.pop().set()
            self.bus.carry_all()
            await self.client.write()
            await self.client.read(50)
            await settle()
            self.clock.seconds += 0.05
            for server in self.servers:
                server.tick()
            if self.is_complete():
                return

    def is_complete(self) -> bool:
        client = self.client
        got = {source: len(numbers) for source, numbers in client.pushed.items()}
        is_all = all(got.get(one, 0) >= count for one, count in self.pushed.items())
        return is_all and len(client.outcomes) == client._sent

    def find_faults(self) -> list[str]:
        client = self.client
        faults = list(client.faults)
        for source, count in self.pushed.items():
            if client.pushed[source] != list(range(1, count + 1)):
                faults.append(f"of {count} pushes of {source} came {client.pushed[source]}")
        wanted = range(1, client._sent + 1)
        for number in wanted:
            if self.ran[number] != 1:
                faults.append(f"{number} ran {self.ran[number]} times")
        for number in wanted:
            outcome = client.outcomes.get(number)
            if outcome is None or isinstance(outcome, Exception):
                faults.append(f"{number} was answered by {outcome!r}")
        return faults


async def run(seed: int) -> list[str]:
    world = World(seed)
    await world.start()
    await world.client.connect()
    world.bus.carry_all()
    await settle()
    while not world.client.core.is_online:
        world.bus.carry_all()
        await world.client.read(5)
        await settle()
    for _ in range(STEPS):
        await world.step()
    await world.finish()
    faults = world.find_faults()
    for server in world.servers:
        await server.stop(0)
    return faults


@pytest.mark.parametrize("seed", range(60))
async def test_nothing_is_lost_doubled_or_reordered(seed: int) -> None:
    assert await run(seed) == []
