"""Recognition is tested against the installed servers: their private sides may change any day."""

import asyncio
import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_vortex.transports.flow import Flow, UvicornFlow, get_flow

REQUEST = b"POST /vortex HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
HANDSHAKE = (
    b"GET /vortex HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Probe:
    """An application that notes the flow of its one connection and stays until it is let go."""

    def __init__(self) -> None:
        self.flow: Flow | None = None
        self.was_asked = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.flow = get_flow(send)
        self.was_asked.set()
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b".", "more_body": True})
        self.flow.start()
        try:
            await self.may_end.wait()
        finally:
            self.flow.end()

    async def find(self) -> Flow:
        await asyncio.wait_for(self.was_asked.wait(), 60)
        await asyncio.sleep(0)
        assert self.flow is not None
        return self.flow


class AsyncioTransport(asyncio.Transport):
    """A socket that takes everything until it is told to be full."""

    def __init__(self) -> None:
        super().__init__()
        self.is_aborted = False
        self.written = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("203.0.113.9", 4711) if name == "peername" else default

    def is_closing(self) -> bool:
        return self.is_aborted

    def can_write_eof(self) -> bool:
        return False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.is_aborted = True

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def set_protocol(self, protocol: Any) -> None: ...
    def set_write_buffer_limits(self, high: Any = None, low: Any = None) -> None: ...


@contextlib.contextmanager
def running_uvicorn(
    probe: Probe, *, ws: str = "websockets-sansio", **options: Any
) -> Iterator[tuple[Any, AsyncioTransport]]:
    """Return a protocol of uvicorn's on a transport of ours."""
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of the implementations is deprecated
        config = Config(
            probe,
            ws=ws,  # newer releases take that of the default by themselves
            log_config=None,
            proxy_headers=True,
            ws_ping_interval=None,
            **options,
        )
        config.load()
        state = ServerState()
        transport = AsyncioTransport()
        protocol: Any = config.http_protocol_class(
            config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop()
        )
    protocol.connection_made(transport)
    yield protocol, transport
    probe.may_end.set()


@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_request_of_uvicorn_is_recognised(http: str) -> None:
    probe = Probe()
    with running_uvicorn(probe, http=http) as (protocol, transport):
        protocol.data_received(REQUEST)
        flow = await probe.find()
        assert flow.server == "uvicorn"
        assert flow.get_address() == "203.0.113.9"
        protocol.pause_writing()
        waiting = asyncio.create_task(flow.wait_writable())
        await asyncio.sleep(0)
        assert not waiting.done()
        protocol.resume_writing()
        await asyncio.wait_for(waiting, 60)
        flow.abort()
        assert transport.is_aborted


async def test_websocket_of_uvicorn_is_recognised() -> None:
    probe = Probe()
    with running_uvicorn(probe) as (protocol, transport):
        protocol.data_received(HANDSHAKE)
        flow = await probe.find()
        assert flow.server == "uvicorn"
        assert flow.get_address() == "203.0.113.9"
        # Its own `send` waits, so nothing has to be asked before.
        assert flow.is_writable
        flow.abort()
        assert transport.is_aborted


async def test_uvicorn_forgets_the_headers_of_an_accepted_handshake() -> None:
    probe = Probe()
    with running_uvicorn(probe) as (protocol, transport):
        protocol.data_received(HANDSHAKE)
        await probe.find()
        (websocket,) = protocol.connections
        assert b"Sec-WebSocket-Accept" in transport.written
        assert len(websocket.request.headers) == 0
        assert len(websocket.response.headers) == 0


class SomeTransport:
    def __init__(self) -> None:
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True

    def get_extra_info(self, name: str) -> Any:
        return "" if name == "peername" else None


def make_uvicorn_like(transport: Any) -> Callable[..., Any]:
    """Return a bound ``send`` of a class that says it is a protocol of uvicorn's."""

    class OtherProtocol:
        def __init__(self) -> None:
            self.transport = transport

        async def asgi_send(self, message: Any) -> None: ...

    OtherProtocol.__module__ = "uvicorn.protocols.websockets.other_impl"
    return OtherProtocol().asgi_send


def test_every_protocol_of_uvicorn_with_a_transport_will_do() -> None:
    transport = SomeTransport()
    flow = get_flow(make_uvicorn_like(transport))
    assert isinstance(flow, UvicornFlow)
    assert flow.get_address() == ""  # of a Unix socket
    flow.abort()
    assert transport.is_aborted


def test_uvicorn_without_the_transport_we_know_is_an_unknown_server() -> None:
    assert get_flow(make_uvicorn_like(object())).server == "unknown"


class TwistedTransport:
    """A Twisted transport with one place for a producer, that can be told to be full."""

    def __new__(cls) -> Any:
        from twisted.internet.testing import StringTransport

        class Transport(StringTransport):
            is_aborted = False

            def abortConnection(self) -> None:
                self.is_aborted = True

            def unregisterProducer(self) -> None:
                self.producer = None  # as that of a socket, which may be told more than once

        return Transport()


@contextlib.contextmanager
def running_daphne(probe: Probe) -> Iterator[tuple[Any, Any]]:
    """Return a channel of Daphne's on a transport of ours; the reactor does not run."""
    from daphne.http_protocol import HTTPFactory
    from daphne.server import Server
    from daphne.ws_protocol import WebSocketFactory

    server = Server(probe, endpoints=["tcp:0"])
    server.connections = {}
    server.http_factory = HTTPFactory(server)
    server.ws_factory = WebSocketFactory(server, server="daphne")
    transport = TwistedTransport()
    channel = server.http_factory.buildProtocol(None)
    channel.makeConnection(transport)
    yield channel, transport
    probe.may_end.set()


@pytest.mark.parametrize("opening", [REQUEST, HANDSHAKE], ids=["request", "websocket"])
async def test_connection_of_daphne_is_recognised(opening: bytes) -> None:
    probe = Probe()
    with running_daphne(probe) as (channel, transport):
        channel.dataReceived(opening)
        flow = await probe.find()
        assert flow.server == "Daphne"
        assert transport.value().startswith(b"HTTP/1.1 ")  # the flow has started with the response

        transport.producer.pauseProducing()  # as Twisted does when the socket is full
        assert not flow.is_writable
        waiting = asyncio.create_task(flow.wait_writable())
        await asyncio.sleep(0)
        assert not waiting.done()
        transport.producer.resumeProducing()
        await asyncio.wait_for(waiting, 60)

        flow.pause_reading()
        assert transport.producerState == "paused"
        flow.resume_reading()
        assert transport.producerState == "producing"
        flow.abort()
        assert transport.is_aborted


async def test_daphne_forgets_the_headers_of_an_accepted_handshake() -> None:
    probe = Probe()
    with running_daphne(probe) as (channel, transport):
        http_channel = transport.producer
        channel.dataReceived(HANDSHAKE)
        assert len(http_channel.requests) == 1
        await probe.find()
        connections = channel.factory.server.connections
        (websocket,) = (one for one in connections if hasattr(one, "maxMessagePayloadSize"))
        assert b"Sec-WebSocket-Accept" in transport.value()
        assert not websocket.request.headers
        assert not http_channel.requests
        assert list(connections) == [websocket]  # the upgraded request is not there any more


async def test_text_over_the_limit_of_daphne_is_sent_and_the_limit_stays() -> None:
    probe = Probe()
    with running_daphne(probe) as (channel, transport):
        channel.dataReceived(HANDSHAKE)
        flow = await probe.find()
        connections = channel.factory.server.connections
        (socket,) = (one for one in connections if hasattr(one, "maxMessagePayloadSize"))
        socket.maxMessagePayloadSize = 100
        transport.clear()
        await flow.send_long({"type": "websocket.send", "text": "x" * 1_000})
        assert transport.value().endswith(b"x" * 1_000)
        assert socket.maxMessagePayloadSize == 100


async def test_daphne_request_that_ends_leaves_no_producer_behind() -> None:
    probe = Probe()
    with running_daphne(probe) as (channel, transport):
        channel.dataReceived(REQUEST)
        flow = await probe.find()
        transport.producer.pauseProducing()
        flow.stop()
        assert flow.is_writable  # whoever waited must find out that it is over
        transport.producer.pauseProducing()
        assert flow.is_writable


async def test_waiters_for_daphne_do_not_share_a_cancellation() -> None:
    probe = Probe()
    with running_daphne(probe) as (channel, transport):
        channel.dataReceived(HANDSHAKE)
        flow = await probe.find()
        transport.producer.pauseProducing()
        one, other = (asyncio.create_task(flow.wait_writable()) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.sleep(0)
        assert not other.done()
        transport.producer.resumeProducing()
        await asyncio.wait_for(other, 60)


async def send_to_nobody(message: Any) -> None: ...


@pytest.mark.parametrize(
    "send", [send_to_nobody, functools.partial(send_to_nobody, 1), functools.partial(print)]
)
def test_anything_else_is_an_unknown_server(send: Any) -> None:
    flow = get_flow(send)
    assert type(flow) is Flow
    assert flow.is_writable


async def test_aborting_on_an_unknown_server_ends_its_task() -> None:
    flow = Flow(send_to_nobody)

    async def serve() -> None:
        flow.start()
        await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    flow.abort()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert flow.is_aborted


async def test_end_is_told_once() -> None:
    flow = Flow(send_to_nobody)
    ends: list[str] = []
    flow.on_end = lambda: ends.append("end")
    flow.end()
    flow.end()
    assert ends == ["end"]
