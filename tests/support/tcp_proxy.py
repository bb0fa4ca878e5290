"""A TCP proxy that takes orders, between a client under test and a real server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakSet

from tests.support.ports import HOST

CHUNK_BYTES = 65_536

FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LOGIN_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 30\r\nConnection: close\r\n\r\n"
    b"<html>\n.\n.\n.\nLog in</html>...."
)


class TcpProxy:
    """Forwards connections to a port.

    Attributes:
        port: Where it listens.
        target: The port that new connections are forwarded to.
        others: Ports that take its place, the first that answers for good, when it refuses.
        takes_turns: Whether each new connection goes to the next of all these ports instead.
        passes: Cleared to forward nothing any more; connections stay open.
        passes_up: The same for what goes to the server only.
        passes_down: The same for what comes from it only.
        answer: What every new connection gets instead of the server, if anything.
        answer_to_upgrades: The same for WebSockets alone.
        heads: The first bytes of every connection.
    """

    def __init__(self, target: int, path: str) -> None:
        self.port = 0
        self._path = path
        self.passes = asyncio.Event()
        self.passes_up = asyncio.Event()
        self.passes_down = asyncio.Event()
        for event in (self.passes, self.passes_up, self.passes_down):
            event.set()
        self.answer: bytes | None = None
        self.answer_to_upgrades: bytes | None = None
        self.heads: list[bytes] = []
        self.target = target
        self.others: list[int] = []
        self.takes_turns = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._transports: WeakSet[asyncio.WriteTransport] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/{self._path}"

    @property
    def count(self) -> int:
        """How many connections are open, on both sides."""
        return len(self._writers)

    def cut(self) -> None:
        """End all connections at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        """End everything, also what would wait for ever for a side that reads nothing."""
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
        self._writers.add(writer)
        self._transports.add(writer.transport)
        writers = [writer]
        try:
            await self.passes.wait()
            head = await reader.read(CHUNK_BYTES)
            self.heads.append(head)
            is_upgrade = b"upgrade: websocket" in head.lower()
            answer = (self.answer_to_upgrades if is_upgrade else None) or self.answer
            if answer is not None:
                writer.write(answer)
                await writer.drain()
                return
            far_reader, far_writer = await self._connect()
            writers.append(far_writer)
            self._writers.add(far_writer)
            self._transports.add(far_writer.transport)
            far_writer.write(head)
            ways = [
                asyncio.ensure_future(self._forward(reader, far_writer, self.passes_up)),
                asyncio.ensure_future(self._forward(far_reader, writer, self.passes_down)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            return  # one side is gone
        finally:
            for one in writers:
                one.close()
                self._writers.discard(one)
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the target, or to the first of the others that takes connections."""
        if self.takes_turns:
            self._go_on()
        for _ in self.others:
            try:
                return await asyncio.open_connection(HOST, self.target)
            except OSError:
                self._go_on()
        return await asyncio.open_connection(HOST, self.target)

    def _go_on(self) -> None:
        first, *rest = [*self.others, self.target]
        self.target, self.others = first, rest

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self.passes.wait()
            await passes.wait()
            writer.write(data)
            await writer.drain()


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
