"""The load client: WebSocket connections cheap enough to leave the processor to the server.

It reads the frames of RFC 6455 by hand, counts texts, echoes heart-beats and answers pings. Both
sides of every comparison are driven by it.
"""

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast
from urllib.parse import urlencode

_HANDSHAKES_AT_ONCE: Final = 50
_ARRIVAL_SECONDS: Final = 60.0
_READ_BYTES: Final = 262_144
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_COUNT_BYTES: Final = 32
"""Shorter texts with a comma are the counts of a session, and no messages."""
_MASK: Final = b"\x00\x00\x00\x00"
"""A mask of zeros is as good to the server and leaves the bytes as they are."""

_HANDSHAKE: Final = """\
GET {target} HTTP/1.1
Host: 127.0.0.1:{port}
Connection: Upgrade
Pragma: no-cache
Cache-Control: no-cache
User-Agent: {agent}
Upgrade: websocket
Origin: http://127.0.0.1:{port}
Sec-WebSocket-Version: 13
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-US,en;q=0.9
Cookie: csrftoken=cJ1qDdLDxVYwnDUDYrWMWEHBsrRgGVLW
Sec-WebSocket-Key: {key}
{more}
"""
"""What a browser sends; an offer to compress, which costs memory, only where it is asked for."""

_OFFER: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n"

_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)

# Reading is synchronous and there is one loop, so all sockets may read into the same memory.
_read_buffer = bytearray(_READ_BYTES)


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """Return one final masked frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    else:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + _MASK + payload


def encode_text(text: str) -> bytes:
    """Return the frame of a text message."""
    return encode_frame(_TEXT, text.encode())


_HEARTBEAT: Final = encode_text(".")


class LoadSocket(asyncio.BufferedProtocol):
    """One connection; ``on_text`` is called for every text that is not a heart-beat,
    ``on_beat`` for those that are."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.texts = 0
        self.last_text = b""
        self.on_text: Callable[[LoadSocket], None] = _ignore
        self.on_beat: Callable[[LoadSocket], None] = _ignore
        self.is_closed = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for writing."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember that nothing more will come."""
        self.is_closed = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("Closed during the handshake"))

    def get_buffer(self, sizehint: int) -> bytearray:
        """Lend the shared memory."""
        return _read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        data = self._rest + _read_buffer[:nbytes]
        if self.opened.done():
            self._rest = data[self._read_frames(data) :]
            return
        head, separator, self._rest = data.partition(b"\r\n\r\n")
        if not separator:
            self._rest = data
        elif b" 101 " in head.split(b"\r\n", 1)[0]:
            self.opened.set_result(None)
            self._rest = self._rest[self._read_frames(self._rest) :]
        else:
            self.opened.set_exception(ConnectionError(f"Refused: {head[:80]!r}"))

    def _read_frames(self, data: bytes) -> int:
        """Handle the complete frames in ``data`` and give the position after the last."""
        position, end = 0, len(data)
        while position + 2 <= end:
            size, start = data[position + 1], position + 2
            if size == 126:
                size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif size == 127:
                size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            if start + size > end:
                break
            opcode = data[position] & 0x0F
            position = start + size
            if opcode == _TEXT and size < _COUNT_BYTES and b"," in data[start:position]:
                self.on_beat(self)  # of a session
            elif opcode == _TEXT and size > 1:
                self.texts += 1
                self.last_text = data[start:position]
                self.on_text(self)
            elif opcode == _TEXT:
                self.transport.write(_HEARTBEAT)
                self.on_beat(self)
            elif opcode == _PING:
                self.transport.write(encode_frame(_PONG, data[start:position]))
            elif opcode == _CLOSE:
                self.is_closed = True
        return position


def _ignore(load_socket: LoadSocket) -> None:
    """Be what is called for a socket nobody watches."""


async def open_socket(
    port: int, path: str, *, offers_compression: bool = False, header: str = "", **query: str
) -> LoadSocket:
    """Connect and finish the handshake, with the headers a browser would send, and one more.

    What arrives compressed is counted, and not read: `LoadSocket.last_text` is as it came.
    """
    loop = asyncio.get_running_loop()
    transport, load_socket = await loop.create_connection(LoadSocket, "127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    target = f"/{path}?{urlencode(query)}" if query else f"/{path}"
    more = _OFFER if offers_compression else ""
    more += f"{header}\n" if header else ""
    head = _HANDSHAKE.format(target=target, port=port, key=key, agent=_AGENT, more=more)
    transport.write(head.replace("\n", "\r\n").encode())
    await load_socket.opened
    return load_socket


async def open_sockets(
    open_one: Callable[[], Awaitable[LoadSocket]], count: int
) -> list[LoadSocket]:
    """Open ``count`` sockets, a few at a time, so that no backlog of the server overflows."""
    opened: list[LoadSocket] = []
    while len(opened) < count:
        batch = min(_HANDSHAKES_AT_ONCE, count - len(opened))
        opened += await asyncio.gather(*(open_one() for _ in range(batch)))
    return opened


async def receive_texts(sockets: Sequence[LoadSocket], count: int) -> None:
    """Wait until every socket got ``count`` more texts.

    Raises:
        RuntimeError: Not all arrived; a comparison with lost messages says nothing.
    """
    arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    due = {id(each): each.texts + count for each in sockets}
    missing = count * len(sockets)

    def take_one(load_socket: LoadSocket) -> None:
        nonlocal missing
        missing -= 1
        if missing == 0 and not arrived.done():
            arrived.set_result(None)

    for each in sockets:
        each.on_text = take_one
    try:
        await asyncio.wait_for(arrived, _ARRIVAL_SECONDS)
    except TimeoutError:
        closed = sum(each.is_closed for each in sockets)
        raise RuntimeError(f"{missing} texts are missing, {closed} sockets closed") from None
    finally:
        for each in sockets:
            each.on_text = _ignore
    if any(each.texts != due[id(each)] for each in sockets):
        raise RuntimeError(f"Some sockets got more than {count} texts, others fewer")


async def run_command(port: int, command: str, **numbers: int) -> str:
    """Let the application behind ``port`` run one of its commands; return what that returned."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /{command}?{urlencode(numbers)} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    if b" 200 " not in answer.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"Command {command!r} failed: {answer[:80]!r}")
    return answer.partition(b"\r\n\r\n")[2].decode()


async def exchange(sockets: Sequence[LoadSocket], frame: bytes, count: int) -> None:
    """Send ``frame`` on every socket and again after each reply, until ``count`` replies came.

    Raises:
        RuntimeError: When a reply did not come.
    """
    finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    due = {id(each): each.texts + count for each in sockets}
    unfinished = len(sockets)

    def take_reply(load_socket: LoadSocket) -> None:
        nonlocal unfinished
        if load_socket.texts < due[id(load_socket)]:
            load_socket.transport.write(frame)
            return
        unfinished -= 1
        if unfinished == 0 and not finished.done():
            finished.set_result(None)

    for each in sockets:
        each.on_text = take_reply
        each.transport.write(frame)
    try:
        await asyncio.wait_for(finished, _ARRIVAL_SECONDS)
    except TimeoutError:
        raise RuntimeError(f"{unfinished} sockets still wait for a reply") from None
    finally:
        for each in sockets:
            each.on_text = _ignore
