"""Flow control and abort of one connection, on the supported ASGI servers.

Takes the ``send`` that the ASGI server itself hands to the outermost application, gives a `Flow`.
ASGI has no words for "the socket is full", "stop reading" and "drop it", so this is the one place
that looks behind ``send``. uvicorn's ``send`` waits until the socket takes more; Daphne's never
does, there a Twisted push producer tells when to wait. Everything found there is private to the
servers: what does not look exactly as expected makes an unknown server of it, whose `Flow` does
nothing.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

from django_vortex.transports.asgi_types import Message, Send
from django_vortex.transports.handshake_cleanup import (
    release_daphne_handshake,
    release_uvicorn_handshake,
)

SCOPE_KEY = "vortex"
"""Where the outermost application puts the `Flow` into the scope."""


class Flow:
    """One connection of a server that we do not know: ``send`` is all there is.

    Attributes:
        send: The server's own ``send``, not wrapped by any middleware.
        is_writable: Whether a text may be given to ``send`` now; if not, await `wait_writable`.
        is_started: Whether a stream is served, and not just any request.
        is_aborted: Whether `abort` was called; a cancellation after that is of our own doing.
        on_end: Called once when the application has returned, however that came about.
    """

    __slots__ = ("_task", "is_aborted", "is_started", "is_writable", "on_end", "send")

    server = "unknown"
    """Name of the server this is for."""

    has_coroutines = False
    """Whether ``send`` is known to give coroutines; of other servers it may be any awaitable."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.is_writable = True
        self.is_started = False
        self.is_aborted = False
        self.on_end: Callable[[], None] | None = None
        self._task: asyncio.Task[Any] | None = None

    @classmethod
    def find(cls, send: Send) -> "Flow | None":
        """Return the flow for ``send`` if it belongs to the server that this class is for."""
        return cls(send)

    def get_address(self) -> str | None:
        """Return the address at the other end of the socket.

        That is not always ``scope["client"]``: uvicorn, unless told otherwise, replaces it by what
        ``X-Forwarded-For`` says when a connection comes from its own machine.

        Returns:
            An IP address, "" for a socket that has none, None if the server is unknown.
        """
        return None

    def start(self) -> None:
        """Begin to watch the socket; called by the task that serves it, after it was accepted."""
        self.is_started = True
        self._task = asyncio.current_task()

    def stop(self) -> None:
        """Stop watching; a response has to do this before its last part. May be called again."""
        self._task = None

    async def wait_writable(self) -> None:
        """Wait until the socket takes more, or until `wake` where that is possible."""

    async def send_long(self, message: Message) -> None:
        """Send a text that may be longer than the server accepts from peers."""
        await self.send(message)

    async def send_close(self, send: Send, code: int, reason: str) -> None:
        """Close a WebSocket through ``send``, which middleware may have wrapped."""
        await send({"type": "websocket.close", "code": code, "reason": reason})

    def wake(self) -> None:
        """Wake all that wait for the socket: the stream is to be closed."""

    def pause_reading(self) -> None:
        """Stop reading from the socket."""

    def resume_reading(self) -> None:
        """Read from the socket again."""

    def abort(self) -> None:
        """Drop the connection and its buffers at once.

        Any server drops the connection of an application that ends in the middle, which is what
        cancelling the task amounts to.
        """
        self.is_aborted = True
        if self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        """Stop watching and tell `on_end`; the application has returned. May be called again."""
        self.stop()
        if self.on_end is not None:
            on_end, self.on_end = self.on_end, None
            on_end()


class UvicornFlow(Flow):
    """A WebSocket or a request under uvicorn, whose ``send`` waits and which pauses its reading.

    All its protocols have the asyncio transport as ``transport``. A request's ``flow.drain()`` lets
    us wait *before* giving away what a newer response could still take over.
    """

    __slots__ = ("_drain", "_transport")

    server = "uvicorn"
    has_coroutines = True

    def __init__(self, send: Send, transport: Any, drain: Callable[[], Any] | None) -> None:
        super().__init__(send)
        self._transport = transport
        self._drain = drain
        # A request has to look each time; a WebSocket's `send` does all there is to do.
        self.is_writable = drain is None

    @classmethod
    def find(cls, send: Send) -> "UvicornFlow | None":
        """Recognise the bound ``send`` of a protocol or of a request's cycle."""
        owner = getattr(send, "__self__", None)
        if not inspect.ismethod(send) or not _is_from(owner, "uvicorn.protocols."):
            return None
        transport = getattr(owner, "transport", None)
        if not _has(transport, "abort", "get_extra_info"):
            return None
        drain = getattr(getattr(owner, "flow", None), "drain", None)
        return cls(send, transport, drain if inspect.iscoroutinefunction(drain) else None)

    def get_address(self) -> str | None:
        """Return the address at the other end of the socket."""
        address = self._transport.get_extra_info("peername")
        return str(address[0]) if isinstance(address, tuple) else ""

    def start(self) -> None:
        """Begin; uvicorn watches its sockets itself."""
        self.is_started = True
        if self._drain is None:
            release_uvicorn_handshake(getattr(self.send, "__self__", None))

    async def wait_writable(self) -> None:
        """Wait until the socket takes more."""
        if self._drain is not None:
            await self._drain()

    def abort(self) -> None:
        """Drop the connection and its buffers at once."""
        self.is_aborted = True
        self._transport.abort()


class _DaphneFlow(Flow):
    """What both kinds of Daphne connection share: this object is the Twisted push producer."""

    __slots__ = ("_is_watching", "_protocol", "_transport", "_waiter")

    server = "Daphne"
    has_coroutines = True

    def __init__(self, send: Send, protocol: Any, transport: Any) -> None:
        super().__init__(send)
        self._protocol = protocol
        self._transport = transport
        self._is_watching = False
        self._waiter: asyncio.Future[None] | None = None

    def get_address(self) -> str | None:
        """Return the address at the other end of the socket."""
        return str(getattr(self._transport.getPeer(), "host", ""))

    # Twisted's IPushProducer

    def pauseProducing(self) -> None:
        """Hear from Twisted that the socket is full."""
        self.is_writable = False

    def resumeProducing(self) -> None:
        """Hear from Twisted that the socket takes more."""
        self.is_writable = True
        self.wake()

    def stopProducing(self) -> None:
        """Hear from Twisted that the connection is gone: whoever waits may find that out."""
        self.resumeProducing()

    async def wait_writable(self) -> None:
        """Wait until the socket takes more, or until `wake`."""
        if self.is_writable:
            return
        if self._waiter is None:
            self._waiter = asyncio.get_running_loop().create_future()
        # Several may wait for one future, and cancelling one must not wake the others.
        await asyncio.shield(self._waiter)

    def wake(self) -> None:
        """Wake all that wait for the socket."""
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(None)

    def pause_reading(self) -> None:
        """Leave in the socket what the peer sends; Daphne queues all it reads."""
        self._transport.pauseProducing()

    def resume_reading(self) -> None:
        """Read from the socket again."""
        self._transport.resumeProducing()

    def abort(self) -> None:
        """Drop the connection and its buffers at once."""
        self.is_aborted = True
        self._transport.abortConnection()

    def stop(self) -> None:
        """Stop watching; nobody waits any longer."""
        if self._is_watching:
            self._is_watching = False
            self._unregister()
        self.resumeProducing()

    def _unregister(self) -> None:
        raise NotImplementedError


class DaphneSocketFlow(_DaphneFlow):
    """A WebSocket under Daphne: the producer is registered with the Twisted transport."""

    __slots__ = ()

    @classmethod
    def find(cls, send: Send) -> "DaphneSocketFlow | None":
        """Recognise a ``send`` that is bound to a `WebSocketProtocol`."""
        protocol = _get_daphne_protocol(send, "daphne.ws_protocol")
        transport = getattr(protocol, "transport", None)
        if not _has(transport, *_PRODUCER_METHODS, *_TRANSPORT_METHODS):
            return None
        return cls(send, protocol, transport)

    def start(self) -> None:
        """Take the place of the HTTP channel, which Daphne left registered at the upgrade."""
        self.is_started = True
        if not self._is_watching:
            self._is_watching = True
            release_daphne_handshake(self._protocol, self._transport)
            self._transport.unregisterProducer()
            self._transport.registerProducer(self, True)

    async def send_long(self, message: Message) -> None:
        """Send without the limit of Daphne's that is meant for what comes (1 MiB)."""
        limit = getattr(self._protocol, "maxMessagePayloadSize", 0)
        self._protocol.maxMessagePayloadSize = 0
        try:
            # Daphne's `send` never waits, so nothing is received meanwhile.
            await self.send(message)
        finally:
            self._protocol.maxMessagePayloadSize = limit

    async def send_close(self, send: Send, code: int, reason: str) -> None:
        """Close with the reason, which Daphne itself leaves out."""
        close = getattr(self._protocol, "sendClose", None)
        if callable(close):
            self._protocol.serverClose = functools.partial(close, reason=reason)
        await super().send_close(send, code, reason)

    def _unregister(self) -> None:
        self._transport.unregisterProducer()


class DaphneRequestFlow(_DaphneFlow):
    """A request under Daphne: the producer is registered with the Twisted request."""

    __slots__ = ()

    @classmethod
    def find(cls, send: Send) -> "DaphneRequestFlow | None":
        """Recognise a ``send`` that is bound to a `WebRequest`."""
        request = _get_daphne_protocol(send, "daphne.http_protocol")
        transport = getattr(request, "transport", None)
        if not _has(request, *_PRODUCER_METHODS) or not _has(transport, *_TRANSPORT_METHODS):
            return None
        return cls(send, request, transport)

    def start(self) -> None:
        """Register with the request; Twisted wants it unregistered before the request ends."""
        self.is_started = True
        if not self._is_watching and self._protocol.channel is not None:
            self._is_watching = True
            self._protocol.registerProducer(self, True)

    def _unregister(self) -> None:
        # A request that lost its connection has no channel any more, nor anything registered.
        if self._protocol.channel is not None:
            self._protocol.unregisterProducer()


KNOWN_FLOWS: tuple[type[Flow], ...] = (UvicornFlow, DaphneSocketFlow, DaphneRequestFlow)

_PRODUCER_METHODS = ("registerProducer", "unregisterProducer")
_TRANSPORT_METHODS = ("pauseProducing", "resumeProducing", "abortConnection", "getPeer")


def get_flow(send: Send) -> Flow:
    """Return the flow of the connection that a server's ``send`` belongs to."""
    for known in KNOWN_FLOWS:
        flow = known.find(send)
        if flow is not None:
            return flow
    return Flow(send)


def _get_daphne_protocol(send: Send, module: str) -> Any:
    """Return the protocol object that Daphne has bound to its ``handle_reply``, or None."""
    if not isinstance(send, functools.partial) or len(send.args) != 1:
        return None
    if not _is_from(getattr(send.func, "__self__", None), "daphne.server"):
        return None
    protocol = send.args[0]
    return protocol if _is_from(protocol, module) else None


def _is_from(instance: object, module: str) -> bool:
    """Return whether the class of an object, or one it derives from, is of a module."""
    return any(one.__module__.startswith(module) for one in type(instance).__mro__)


def _has(instance: object, *names: str) -> bool:
    return all(callable(getattr(instance, name, None)) for name in names)
