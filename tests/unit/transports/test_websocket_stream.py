import asyncio
from typing import Any

import pytest

from django_vortex.server.stream import StreamClosed
from django_vortex.transports import websocket_stream
from django_vortex.transports.prepared_frames import Burst
from django_vortex.transports.websocket_stream import WebSocketStream
from tests.unit.transports.fake_flow import FakeFlow


class Socket(FakeFlow):
    """A WebSocket of a server whose ``send`` never waits and that tells when it is full."""

    __slots__ = ()

    @property
    def texts(self) -> list[str]:
        return [event["text"] for event in self.events if event["type"] == "websocket.send"]


@pytest.fixture(autouse=True, params=[False, True], ids=["unknown-server", "known-server"])
def _known(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Socket, "has_coroutines", request.param)


def make_stream(socket: Socket) -> WebSocketStream:
    return WebSocketStream(socket.send, socket)


async def until_idle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_first_text_accepts_the_handshake() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.send("one")
    await stream.send("two")
    assert [event["type"] for event in socket.events] == [
        "websocket.accept",
        "websocket.send",
        "websocket.send",
    ]


async def test_data_does_not_go_through_middleware() -> None:
    socket = Socket()
    seen: list[str] = []

    async def wrapped(event: Any) -> None:
        seen.append(event["type"])
        await socket.send(event)

    stream = WebSocketStream(wrapped, socket)
    await stream.send("one")
    assert seen == ["websocket.accept"]
    assert socket.texts == ["one"]


async def test_send_does_not_block_while_the_socket_takes_it() -> None:
    stream = make_stream(Socket())
    sending = stream.send("one")
    with pytest.raises(StopIteration):
        sending.send(None)


async def test_known_server_is_given_texts_without_a_coroutine_of_ours() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.send("one")
    sending = stream.send("two")
    assert (sending.__name__ == "_take") == Socket.has_coroutines
    await sending
    assert socket.texts == ["one", "two"]


async def test_closed_stream_gives_a_known_server_nothing_more() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.send("one")
    stream.close(1000, "bye")
    with pytest.raises(StreamClosed):
        await stream.send("two")
    assert socket.texts == ["one"]


async def test_full_socket_blocks_until_it_takes_more() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.send("zero")
    socket.events.clear()
    socket.fill()
    sending = asyncio.create_task(stream.send("one"))
    await until_idle()
    assert socket.texts == []
    socket.drain()
    await sending
    assert socket.texts == ["one"]


async def test_text_that_waits_is_given_back_and_not_sent() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.accept()
    socket.fill()
    sending = asyncio.create_task(stream.send("one"))
    await until_idle()
    assert stream.take_unsent() == ["one"]
    stream.close(1000, "replaced")
    with pytest.raises(StreamClosed):
        await sending
    assert socket.texts == []
    assert stream.take_unsent() == []


async def test_close_ends_a_blocked_send_and_says_why() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.accept()
    socket.fill()
    sending = asyncio.create_task(stream.send("one"))
    await until_idle()
    stream.close(4008, "too slow")
    stream.close(1000, "said twice")
    with pytest.raises(StreamClosed):
        await sending
    await until_idle()
    assert socket.events[1:] == [{"type": "websocket.close", "code": 4008, "reason": "too slow"}]
    with pytest.raises(StreamClosed):
        await stream.send("late")


async def test_peer_that_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_stream, "CLOSE_SECONDS", 0.0)
    socket = Socket()
    stream = make_stream(socket)
    stream.close(4008, "too slow")
    await asyncio.wait_for(socket.aborted.wait(), 60)


@pytest.mark.parametrize(
    "failure", [ConnectionResetError(), RuntimeError("Unexpected ASGI message")], ids=repr
)
async def test_peer_that_has_gone_is_a_closed_stream(failure: Exception) -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.accept()
    socket.failure = failure
    with pytest.raises(StreamClosed):
        await stream.send("one")
    with pytest.raises(StreamClosed):
        await stream.send("two")
    stream.close(1000, "nobody hears")  # must not leave a failed task behind
    await until_idle()


async def test_peer_that_goes_later_is_told_as_the_server_says_it() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.send("one")
    socket.failure = ConnectionResetError()
    with pytest.raises(OSError if Socket.has_coroutines else StreamClosed):
        await stream.send("two")


async def test_peer_that_has_gone_before_the_handshake_is_a_closed_stream() -> None:
    socket = Socket()
    socket.failure = ConnectionResetError()
    with pytest.raises(StreamClosed):
        await make_stream(socket).send("one")


async def test_socket_that_is_gone_needs_no_close() -> None:
    socket = Socket()
    stream = make_stream(socket)
    await stream.accept()
    stream.end()
    stream.close(1000, "bye")
    await until_idle()
    assert [event["type"] for event in socket.events] == ["websocket.accept"]


class FakeFrameWriter:
    """Writes what it is told to.

    Attributes:
        texts: What was written.
        is_able: Whether it writes now.
        failure: What writing raises, if anything.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_able = True
        self.failure: Exception | None = None

    def write(self, text: str) -> bool:
        if self.failure is not None:
            raise self.failure
        if self.is_able:
            self.texts.append(text)
        return self.is_able


@pytest.fixture
def frame_writer(monkeypatch: pytest.MonkeyPatch) -> FakeFrameWriter:
    writer = FakeFrameWriter()
    monkeypatch.setattr(websocket_stream, "find_frame_writer", lambda flow: writer)
    monkeypatch.setattr(Socket, "has_coroutines", True)
    return writer


async def test_texts_behind_the_first_are_written_as_prepared_frames(
    frame_writer: FakeFrameWriter,
) -> None:
    socket = Socket()
    stream = make_stream(socket)
    assert not stream.write_now("one")  # the handshake is not answered yet
    await stream.send("one")
    assert stream.write_now("two")
    frame_writer.is_able = False
    assert not stream.write_now("three")
    assert socket.texts == ["one"]
    assert frame_writer.texts == ["two"]


async def test_long_texts_and_pieces_are_left_to_send(frame_writer: FakeFrameWriter) -> None:
    stream = make_stream(Socket())
    await stream.send("one")
    assert stream.write_now("x" * 65_535)
    assert not stream.write_now("x" * 65_536)
    assert not stream.write_now(b"piece")
    assert len(frame_writer.texts) == 1


async def test_what_a_burst_has_put_off_is_written_before_a_send(
    frame_writer: FakeFrameWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    own = Burst()
    monkeypatch.setattr(websocket_stream, "burst", own)
    stream = make_stream(Socket())
    await stream.send("one")

    class Transport:
        def write(self, data: bytes) -> None:
            order.append(data.decode())

    with own:
        assert own.frames is not None
        own.frames.append((Transport(), b"put off"))
        sending = stream.send("two")
        order.append("send")
    await sending
    assert order == ["put off", "send"]


@pytest.mark.parametrize("end", [lambda stream: stream.close(1000, "bye"), WebSocketStream.end])
async def test_ended_stream_writes_no_prepared_frames(
    frame_writer: FakeFrameWriter, end: Any
) -> None:
    stream = make_stream(Socket())
    await stream.send("one")
    end(stream)
    assert not stream.write_now("two")
    with pytest.raises(StreamClosed):
        await stream.send("two")
    await until_idle()


async def test_failures_of_prepared_frames_are_for_send_to_find(
    frame_writer: FakeFrameWriter,
) -> None:
    stream = make_stream(Socket())
    await stream.send("one")
    for failure in (
        ConnectionResetError(),
        RuntimeError("The handler is closed"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    ):
        frame_writer.failure = failure
        assert not stream.write_now("two")
