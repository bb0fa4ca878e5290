"""A TCP proxy that takes orders, between a client under test and a real server."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from weakref import WeakSet

from tests.support.ports import HOST
from tests.support.stream_units import Units

CHUNK_BYTES = 65_536

FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UNAVAILABLE = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LOGIN_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 30\r\nConnection: close\r\n\r\n"
    b"<html>\n.\n.\n.\nLog in</html>...."
)
LAST_CHUNK = b"0\r\n\r\n"

Way: TypeAlias = Literal["up", "down"]
"""To the server, or from it."""

Place: TypeAlias = Literal["before", "in", "after"]


@dataclass(frozen=True)
class Trap:
    """Where in the bytes of all connections they are cut, once.

    Attributes:
        way: Whose bytes are counted.
        unit: The number of a head, a body, a chunk or a frame, from 0 on: see `Units`.
        place: Cut before its first byte, in its middle, or when its last has been passed on.
        lose_seconds: For so long the connections stay open, and what follows this way is lost.
    """

    way: Way
    unit: int
    place: Place
    lose_seconds: float = 0.0


@dataclass(eq=False)
class Passage:
    """One connection through a proxy.

    Attributes:
        near: The way to the client.
        far: The way to the server, once there is one.
        said: What the client has said.
        is_websocket: Whether it wants to be one.
        orphaned: Where the client's end was cut and the server's is open: set when that ends, too.
    """

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    said: bytearray = field(default_factory=bytearray)
    is_websocket: bool = False
    orphaned: asyncio.Event | None = None

    def abort(self) -> None:
        """End both ends at once."""
        for writer in (self.near, self.far):
            if writer is not None:
                writer.transport.abort()


class TcpProxy:
    """Forwards connections to a port.

    Attributes:
        port: Where it listens.
        target: The port that new connections are forwarded to.
        targets: More than one where each cut moves on to the next, and each that refuses.
        alternates: Whether each new connection does, too.
        passes: Cleared to forward nothing any more; connections stay open.
        passes_up: The same for what goes to the server only.
        passes_down: The same for what comes from it only.
        buffers: Whether each HTTP response is held back until its end, and all of a WebSocket.
        answer: What every new connection gets instead of the server, if anything.
        answer_to_upgrades: The same for WebSockets alone.
        heads: The first bytes of every connection.
        said: All that the client has said, by connection.
        units: How many units have begun to pass each way.
        trap: Where connections are cut next.
        cuts: How often they were.
        lifetimes: After how many seconds each of the next WebSockets is cut.
        swallows: How many of the next connections get nowhere.
        hides_ends: Whether clients are not told that a server has ended a connection.
        delay_seconds: For so long what a server says is gathered.
        replies: What a server has said to each `replay`.
    """

    def __init__(self, target: int, path: str) -> None:
        self.port = 0
        self._path = path
        self.passes = asyncio.Event()
        self.passes_up = asyncio.Event()
        self.passes_down = asyncio.Event()
        for event in (self.passes, self.passes_up, self.passes_down):
            event.set()
        self.buffers = False
        self.answer: bytes | None = None
        self.answer_to_upgrades: bytes | None = None
        self.heads: list[bytes] = []
        self.said: list[bytearray] = []
        self.target = target
        self.targets: Sequence[int] = ()
        self.alternates = False
        self.units: Counter[Way] = Counter()
        self.trap: Trap | None = None
        self.cuts = 0
        self.lifetimes: list[float] = []
        self.swallows = 0
        self.hides_ends = False
        self.delay_seconds = 0.0
        self.replies: list[bytearray] = []
        self._is_stopped = False
        self._sprung: Trap | None = None
        self._passages: set[Passage] = set()
        self._transports: WeakSet[asyncio.WriteTransport] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/{self._path}"

    @property
    def count(self) -> int:
        """How many connections are open, on both sides."""
        return sum(1 + (one.far is not None) for one in self._passages)

    def cut(self) -> None:
        """End all connections at once, but for what is orphaned."""
        self.cuts += 1
        self._move_on()
        for passage in self._passages:
            if passage.orphaned is None:
                passage.abort()

    def cut_clients(self) -> None:
        """End the clients' ends only; servers are not told before `end_orphans`."""
        self.cuts += 1
        self._move_on()
        for passage in self._passages:
            passage.orphaned = passage.orphaned or asyncio.Event()
            passage.near.transport.abort()

    def end_orphans(self) -> None:
        """Let servers know, late, that connections were cut."""
        for passage in self._passages:
            if passage.orphaned is not None:
                passage.orphaned.set()

    def close_streams(self, code: int) -> None:
        """Tell clients in good order that connections end, in a server's place.

        Args:
            code: For WebSockets; an HTTP response just ends.
        """
        self.cuts += 1
        self._move_on()
        for passage in self._passages:
            frame = b"\x88\x02" + code.to_bytes(2)
            passage.near.write(frame if passage.is_websocket else LAST_CHUNK)
            passage.near.close()

    def replay(self, number: int, change: tuple[bytes, bytes] = (b"", b"")) -> None:
        """Say to the server once more what the client has said over a connection.

        Args:
            number: Of the connection; negative numbers count from the newest.
            change: A text in it, and what takes its place.
        """
        said = bytes(self.said[number])
        if change[0]:
            assert change[0] in said, f"{change[0]!r} was not said in {said!r}"
            said = said.replace(*change)
        reply = bytearray()
        self.replies.append(reply)
        task = asyncio.get_running_loop().create_task(self._replay(said, reply, self.target))
        self._tasks.add(task)

    async def stop(self) -> None:
        """End everything, also what would wait for ever for a side that reads nothing."""
        self._is_stopped = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in list(self._transports):
            transport.abort()
        await asyncio.sleep(0)  # transports end in the next turn

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until either side ends."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        passage = Passage(writer)
        self._passages.add(passage)
        self._transports.add(writer.transport)
        try:
            await self.passes.wait()
            head = await reader.read(CHUNK_BYTES)
            self.heads.append(head)
            self.said.append(passage.said)
            passage.is_websocket = b"upgrade: websocket" in head.lower()
            await self._answer(passage, head, reader)
        except OSError:
            return  # one side is gone
        except asyncio.CancelledError:
            if not self._is_stopped:
                raise
            return  # or Python 3.11 would report it as an error
        finally:
            for one in (passage.near, passage.far):
                if one is not None:
                    one.close()
            self._passages.discard(passage)
            self._tasks.discard(task)

    async def _answer(self, passage: Passage, head: bytes, reader: asyncio.StreamReader) -> None:
        """Do with a connection what the orders say."""
        answer = (self.answer_to_upgrades if passage.is_websocket else None) or self.answer
        if answer is not None:
            passage.near.write(answer)
            await passage.near.drain()
            return
        if self.swallows:
            self.swallows -= 1
            while head:
                passage.said += head
                head = await reader.read(CHUNK_BYTES)
            return
        if self.alternates:
            self._move_on()
        far_reader, passage.far = await self._connect()
        self._transports.add(passage.far.transport)
        if passage.is_websocket and self.lifetimes:
            loop = asyncio.get_running_loop()
            loop.call_later(self.lifetimes.pop(0), self._cut_one, passage)
        up = asyncio.ensure_future(self._forward_up(passage, head, reader))
        down = asyncio.ensure_future(self._forward_down(passage, far_reader))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            if self.hides_ends and not up.done():
                await asyncio.wait((up,))
            if passage.orphaned is not None:
                await passage.orphaned.wait()
        finally:
            for way in (up, down):
                way.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _forward_up(
        self, passage: Passage, data: bytes, reader: asyncio.StreamReader
    ) -> None:
        assert passage.far is not None
        units, is_first = Units(), True
        while data:
            if not is_first:
                await self.passes.wait()
            await self.passes_up.wait()
            passage.said += data
            passage.far.write(self._pass_trap("up", units, data))
            await passage.far.drain()
            self._spring()
            data, is_first = await reader.read(CHUNK_BYTES), False

    async def _forward_down(self, passage: Passage, reader: asyncio.StreamReader) -> None:
        units, held = Units(), b""
        while data := await reader.read(CHUNK_BYTES):
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            await self.passes.wait()
            await self.passes_down.wait()
            held += self._pass_trap("down", units, data)
            if self.buffers and (units.is_websocket or not units.is_between):
                continue
            passage.near.write(held)
            held = b""
            await passage.near.drain()
            self._spring()
        passage.near.write(held)

    def _pass_trap(self, way: Way, units: Units, data: bytes) -> bytes:
        """Return what of some bytes is before the trap, which is armed where it is among them."""
        passed = b""
        for piece, ends in units.feed(data):
            if units.begins:
                self.units[way] += 1
            trap = self.trap
            if trap is not None and trap.way == way and trap.unit == self.units[way] - 1:
                if trap.place != "after" and units.begins:
                    self._sprung, self.trap = trap, None
                    return passed + (piece[: len(piece) // 2] if trap.place == "in" else b"")
                if trap.place == "after" and ends:
                    self._sprung, self.trap = trap, None
                    return passed + piece
            passed += piece
        return passed

    def _spring(self) -> None:
        """Cut where the trap was in what has been passed on."""
        trap, self._sprung = self._sprung, None
        if trap is None:
            return
        if not trap.lose_seconds:
            self.cut()
            return
        passes = self.passes_up if trap.way == "up" else self.passes_down
        passes.clear()

        def recover() -> None:
            self.cut()
            passes.set()

        asyncio.get_running_loop().call_later(trap.lose_seconds, recover)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the target, or to the next of all that takes connections."""
        for _ in self.targets[1:]:
            try:
                return await asyncio.open_connection(HOST, self.target)
            except OSError:
                self._move_on()
        return await asyncio.open_connection(HOST, self.target)

    def _cut_one(self, passage: Passage) -> None:
        self.cuts += 1
        passage.abort()

    def _move_on(self) -> None:
        if self.targets:
            index = self.targets.index(self.target) if self.target in self.targets else -1
            self.target = self.targets[(index + 1) % len(self.targets)]

    async def _replay(self, said: bytes, reply: bytearray, target: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, target)
        self._transports.add(writer.transport)
        try:
            writer.write(said)
            while data := await reader.read(CHUNK_BYTES):
                reply += data
        except OSError:
            return  # it was refused
        finally:
            writer.close()


@asynccontextmanager
async def tcp_proxy(
    target: int, path: str = "vortex", *, context: ssl.SSLContext | None = None
) -> AsyncIterator[TcpProxy]:
    """Run a proxy before a port; with a context it speaks TLS with clients."""
    proxy = TcpProxy(target, path)
    server = await asyncio.start_server(proxy.serve, HOST, 0, ssl=context)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
