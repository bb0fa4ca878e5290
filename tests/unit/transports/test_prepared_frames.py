"""Frame writers are tested on protocols of the installed servers, on transports of ours."""

import asyncio
import contextlib
import socket
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from django_vortex.transports import prepared_frames
from django_vortex.transports.flow import Flow
from django_vortex.transports.incoming import get_protocol
from django_vortex.transports.prepared_frames import (
    MAX_FRAMES,
    Burst,
    FrameCache,
    FrameWriter,
    TwistedSocket,
    burst,
    encode_frame,
    find_frame_writer,
)
from tests.unit.transports.fake_flow import FakeFlow
from tests.unit.transports.test_flow import HANDSHAKE, Probe, running_daphne, running_uvicorn

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]

has_flow_control = prepared_frames._find_version("uvicorn") >= (0, 53)

KINDS = ["websockets", *(["websockets-sansio"] if has_flow_control else []), "daphne"]
"""Implementations of WebSockets that have a frame writer in the installed versions."""


class OpenSocket:
    """An accepted WebSocket of a real server on a transport that takes everything.

    Attributes:
        flow: What the application has.
        protocol: The server's protocol object.
        transport: Where the server writes.
    """

    def __init__(self, kind: str, flow: Flow, transport: Any) -> None:
        self.kind = kind
        self.flow = flow
        self.protocol: Any = get_protocol(flow)
        self.transport = transport
        self._seen = len(self._written)
        self._is_lost = False

    @property
    def _written(self) -> bytes:
        value = getattr(self.transport, "value", None)
        return value() if value is not None else self.transport.written

    def take_written(self) -> bytes:
        """Return what the server wrote since the last time."""
        written = self._written[self._seen :]
        self._seen += len(written)
        return written

    def find_writer(self) -> FrameWriter:
        writer = find_frame_writer(self.flow)
        assert writer is not None
        return writer

    def lose(self) -> None:
        """Let the connection be lost, which ends the tasks of the server."""
        if self.kind != "daphne" and not self._is_lost:
            self._is_lost = True
            self.protocol.connection_lost(None)

    async def send(self, text: str) -> None:
        await self.flow.send({"type": "websocket.send", "text": text})


@contextlib.asynccontextmanager
async def open_socket(kind: str, handshake: bytes = HANDSHAKE) -> AsyncIterator[OpenSocket]:
    """Open a WebSocket with a server and let it send one text, as a stream does."""
    probe = Probe()
    running = running_daphne(probe) if kind == "daphne" else running_uvicorn(probe, ws=kind)
    with running as (channel, transport):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # uvicorn and websockets deprecate one of them
            (channel.dataReceived if kind == "daphne" else channel.data_received)(handshake)
        flow = await probe.find()
        await flow.send({"type": "websocket.send", "text": "first"})
        opened = OpenSocket(kind, flow, transport)
        yield opened
        probe.may_end.set()
        opened.lose()
        while asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.sleep(0)


@pytest.fixture(params=KINDS)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[OpenSocket]:
    async with open_socket(request.param) as opened:
        yield opened


@pytest.mark.parametrize("letter", ["x", "é", "\N{OK HAND SIGN}"])
@pytest.mark.parametrize("size", SIZES)
def test_frame_is_that_of_websockets(letter: str, size: int) -> None:
    text = letter * size
    assert encode_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def test_same_text_has_the_same_frame() -> None:
    cache = FrameCache()
    text = "".join(["te", "xt"])
    equal = "".join(["t", "ext"])
    assert cache.find(text) is cache.find(text)
    assert cache.find(equal) is not cache.find(text)
    assert cache.find(equal) == cache.find(text)


def test_old_frames_are_forgotten() -> None:
    cache = FrameCache()
    texts = [f"text {number}" for number in range(10 * MAX_FRAMES)]
    for text in texts:
        assert cache.find(text)[2:] == text.encode()
        assert (cache.text, cache.frame) == (text, cache.find(text))
        assert len(cache._frames) <= MAX_FRAMES
    assert cache.find(texts[-1]) is cache.find(texts[-1])


async def test_text_is_written_as_send_writes_it(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    for size in SIZES[1:]:
        text = "ä" * size
        opened.take_written()
        await opened.send(text)
        expected = opened.take_written()
        assert writer.write(text)
        assert opened.take_written() == expected


async def test_texts_keep_their_order_whoever_writes_them(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    opened.take_written()
    for number in range(6):
        if number % 2:
            await opened.send(str(number))
        else:
            assert writer.write(str(number))
    assert opened.take_written() == b"".join(encode_frame(str(number)) for number in range(6))


async def test_compressing_socket_gets_the_same_frame() -> None:
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    for kind in KINDS[:-1]:  # Daphne does not compress
        async with open_socket(kind, HANDSHAKE[:-2] + offer) as opened:
            assert b"permessage-deflate" in opened._written
            opened.take_written()
            await opened.send("x" * 100)
            assert opened.take_written()[0] == 0xC1  # RSV1: it is compressed
            assert opened.find_writer().write("x" * 100)
            assert opened.take_written() == encode_frame("x" * 100)


async def test_full_socket_is_left_to_send(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    if opened.kind == "daphne":
        opened.transport.producer.pauseProducing()
    else:
        opened.protocol.pause_writing()
    opened.take_written()
    assert not writer.write("text")
    assert opened.take_written() == b""
    if opened.kind == "daphne":
        opened.transport.producer.resumeProducing()
    else:
        opened.protocol.resume_writing()
    assert writer.write("text")


async def test_closing_transport_is_left_to_send(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    opened.take_written()
    if opened.kind == "daphne":
        opened.protocol.dropConnection()
    else:
        opened.transport.close()
    assert not writer.write("text")
    assert opened.take_written() == b""


async def test_nothing_follows_a_close_frame(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    opened.take_written()
    # One of them returns only when the connection is lost.
    closing = asyncio.ensure_future(opened.flow.send({"type": "websocket.close", "code": 1000}))
    await asyncio.sleep(0)
    assert opened.take_written()[0] == 0x88
    assert not writer.write("text")
    assert opened.take_written() == b""
    opened.lose()
    await asyncio.wait_for(closing, 60)


async def test_nothing_follows_the_close_frame_of_the_peer(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    close = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
    if opened.kind == "daphne":
        opened.protocol.dataReceived(close)
    else:
        opened.protocol.data_received(close)
    for _ in range(5):
        await asyncio.sleep(0)
    written = opened.take_written()
    assert written[0] == 0x88
    assert not writer.write("text")
    assert opened.take_written() == b""


async def test_nothing_gets_into_a_message_in_fragments(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    protocol = opened.protocol
    if opened.kind == "daphne":
        protocol.beginMessage()
        assert not writer.write("text")
        protocol.beginMessageFrame(0)
        protocol.endMessage()
    elif opened.kind == "websockets":
        may_go_on = asyncio.Event()

        async def fragments() -> AsyncIterator[str]:
            yield "one"
            await may_go_on.wait()
            yield "two"

        sending = asyncio.ensure_future(protocol.send(fragments()))
        await asyncio.sleep(0)
        assert not writer.write("text")
        may_go_on.set()
        await sending
    else:
        protocol.conn.send_text(b"one", fin=False)
        assert not writer.write("text")
        protocol.conn.send_continuation(b"two", fin=True)
    assert writer.write("text")


class SomeTransport:
    """Keeps what is written, in one list for all."""

    def __init__(self, name: str, written: list[tuple[str, bytes]]) -> None:
        self.name = name
        self.is_aborted = False
        self.failure: Exception | None = None
        self._written = written

    def write(self, data: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self._written.append((self.name, data))

    def abort(self) -> None:
        self.is_aborted = True


async def test_frames_of_a_burst_are_written_at_its_end(opened: OpenSocket) -> None:
    writer = opened.find_writer()
    opened.take_written()
    with burst:
        assert writer.write("one")
        assert writer.write("two")
        assert opened.take_written() == b""
        burst.write()
        with burst:
            assert writer.write("three")
        opened.take_written()
        assert writer.write("four")
    assert burst.frames is None
    assert opened._written.endswith(b"".join(map(encode_frame, ["one", "two", "three", "four"])))


def test_frame_that_can_not_be_written_ends_its_socket_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    written: list[tuple[str, bytes]] = []
    one, two, three = (SomeTransport(name, written) for name in ("one", "two", "three"))
    two.failure = RuntimeError("The handler is closed")
    own = Burst()
    with own:
        assert own.frames is not None
        own.frames += [(each, b"frame") for each in (one, two, three)]
    assert [name for name, _ in written] == ["one", "three"]
    assert [each.is_aborted for each in (one, two, three)] == [False, True, False]
    assert "could not be written" in caplog.text


def test_burst_that_fails_writes_what_was_put_off() -> None:
    written: list[tuple[str, bytes]] = []
    own = Burst()
    with contextlib.suppress(KeyError), own:
        assert own.frames is not None
        own.frames.append((SomeTransport("one", written), b"frame"))
        raise KeyError
    assert written == [("one", b"frame")]


class Producer:
    """What Twisted tells when a socket is full."""

    def __init__(self) -> None:
        self.is_paused = False

    def pauseProducing(self) -> None:
        self.is_paused = True

    def resumeProducing(self) -> None:
        self.is_paused = False

    def stopProducing(self) -> None: ...


@pytest.fixture
def twisted_pair() -> Iterator[tuple[Any, socket.socket]]:
    """A TCP transport of Twisted, whose reactor does not run, and the other end of its socket."""
    from twisted.internet.protocol import Protocol
    from twisted.internet.tcp import Server
    from twisted.internet.testing import MemoryReactor

    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with ours, theirs:
        yield Server(ours, Protocol(), ("127.0.0.1", 1), None, 1, MemoryReactor()), theirs


def receive_all(end: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(BlockingIOError):
        while data := end.recv(1_000_000):
            received += data
    return received


def test_twisted_socket_writes_before_the_reactor(
    twisted_pair: tuple[Any, socket.socket],
) -> None:
    transport, end = twisted_pair
    TwistedSocket(transport).write(b"frame")
    assert receive_all(end) == b"frame"
    assert not transport.reactor.getWriters()


def test_what_does_not_fit_waits_in_twisted(twisted_pair: tuple[Any, socket.socket]) -> None:
    transport, end = twisted_pair
    producer = Producer()
    transport.registerProducer(producer, True)
    twisted_socket = TwistedSocket(transport)
    frames = [b"%06d" % number * 500 for number in range(100)]
    for frame in frames:
        twisted_socket.write(frame)
    assert transport.reactor.getWriters() == [transport]
    assert producer.is_paused
    received = b""
    while transport.reactor.getWriters():
        received += receive_all(end)
        transport.doWrite()
    received += receive_all(end)
    assert received == b"".join(frames)
    assert not producer.is_paused


def test_lost_twisted_socket_is_left_to_the_reactor(
    twisted_pair: tuple[Any, socket.socket],
) -> None:
    transport, end = twisted_pair
    end.close()
    TwistedSocket(transport).write(b"frame")
    assert isinstance(transport.doWrite(), Exception)


async def test_queue_of_daphne_goes_first() -> None:
    async with open_socket("daphne") as opened:
        writer = opened.find_writer()
        opened.protocol.send_queue.append((b"", False))
        assert not writer.write("text")


def forget_attribute(opened: OpenSocket) -> None:
    if opened.kind == "websockets":
        del opened.protocol._paused
    elif opened.kind == "daphne":
        opened.protocol.__dict__.pop("send_queue")
    else:
        del opened.protocol.conn.expect_continuation_frame


def change_class(opened: OpenSocket) -> None:
    known = type(opened.protocol)
    opened.protocol.__class__ = type(known.__name__, (known,), {"__module__": "project.own"})


def log_frames(opened: OpenSocket) -> None:
    if opened.kind == "daphne":
        opened.protocol.logFrames = True
    else:
        getattr(opened.protocol, "conn", opened.protocol).debug = True


@pytest.mark.parametrize("change", [forget_attribute, change_class, log_frames])
async def test_what_is_not_as_expected_has_no_writer(
    opened: OpenSocket, change: Callable[[OpenSocket], None]
) -> None:
    assert find_frame_writer(opened.flow) is not None
    restored = dict(opened.protocol.__dict__), opened.protocol.__class__
    connection = getattr(opened.protocol, "conn", None)
    restored_connection = dict(connection.__dict__) if connection is not None else {}
    change(opened)
    try:
        assert find_frame_writer(opened.flow) is None
    finally:
        opened.protocol.__dict__.update(restored[0])
        opened.protocol.__class__ = restored[1]
        if connection is not None:
            connection.__dict__.update(restored_connection)


@pytest.mark.parametrize("version", ["0.1", "999.0", "4711", "unknown", "0.54.dev1+g0a1b2c3"])
async def test_unknown_version_has_no_writer(
    opened: OpenSocket, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_frames.importlib.metadata, "version", lambda name: version)
    prepared_frames._find_known.cache_clear()
    try:
        assert find_frame_writer(opened.flow) is None
    finally:
        prepared_frames._find_known.cache_clear()


async def test_wsproto_has_no_writer() -> None:
    pytest.importorskip("wsproto", reason="wsproto is not installed")
    async with open_socket("wsproto") as opened:
        assert find_frame_writer(opened.flow) is None


def test_unknown_server_has_no_writer() -> None:
    assert find_frame_writer(FakeFlow()) is None
