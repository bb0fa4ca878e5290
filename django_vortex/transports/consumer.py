"""The WebSocket consumer: passes what a socket receives to its connection without waiting.

Takes ASGI events, gives messages to the connection. It subclasses the Channels consumer without
using its dispatch: Channels awaits a handler before it takes the next event, awaits the one shared
thread before each, and runs two tasks per socket.
"""

import asyncio
import logging

from channels.consumer import AsyncConsumer

from django_vortex.exceptions import RefusedError
from django_vortex.server.connection import Connection
from django_vortex.server.stream import StreamClosed
from django_vortex.transports import hub
from django_vortex.transports.asgi_types import Message, Receive, Scope, Send
from django_vortex.transports.authenticate import authenticate_peer
from django_vortex.transports.credentials import adopt_offered_secrets
from django_vortex.transports.flow import SCOPE_KEY, Flow, get_flow
from django_vortex.transports.greeting import Caller, get_announced_dialect, greet
from django_vortex.transports.handshake_cleanup import compact_headers
from django_vortex.transports.incoming import raise_message_limit
from django_vortex.transports.origin import is_websocket_secure
from django_vortex.transports.refusal import Refusal
from django_vortex.transports.turns import TURN_BYTES, cut_frame
from django_vortex.transports.websocket_stream import WebSocketStream

logger = logging.getLogger(__name__)


class VortexConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """A WebSocket of a vortex.

    Usually made by `vortex_application`; in a project's own ``URLRouter`` it works too, without
    flow control if middleware has wrapped ``send`` by then.

    Args:
        finds_sessions: Whether to look up Django's session, which a middleware does otherwise.
    """

    channel_layer_alias = "django_vortex.no_channel_layer"
    """Not configured anywhere, so that no socket has a channel of its own."""

    def __init__(self, *, finds_sessions: bool = False) -> None:
        self._finds_sessions = finds_sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        if (await receive())["type"] != "websocket.connect":
            return
        # For good, as it is the socket's task; undoing it would cost each a frame for its life.
        hub.enter_handler_context()
        adopt_offered_secrets(scope)
        flow = scope.get(SCOPE_KEY) or get_flow(send)
        stream = WebSocketStream(send, flow, scope.get("headers", ()))
        opened = await self._open(scope, stream)
        if isinstance(opened, Refusal):
            opened.log(scope)
            announced = get_announced_dialect(scope)
            is_native = announced is not None and announced.is_native
            await opened.send_websocket(scope, receive, send, is_native=is_native)
            return
        code = 0
        raise_message_limit(flow, hub.get_server().codec.limits.message_bytes)
        try:
            await stream.accept()
            flow.start()
            compact_headers(scope.get("headers"))
            taken = 0
            while (frame := _get_frame(message := await receive())) is not None:
                taken += len(frame)
                if taken > TURN_BYTES >= len(frame):
                    await asyncio.sleep(0)  # what has arrived already is received without waiting
                    taken = 0
                if len(frame) > TURN_BYTES:
                    await _take_in_turns(opened, stream, flow, frame)
                elif opened.stream is stream:
                    # Else the peer has another stream by now, maybe as another user: what this
                    # one still says is neither part of that one's words nor said by that user.
                    opened.receive(frame)
                    if not opened.requests.is_ready:
                        await _let_catch_up(opened, flow)
                del frame, message  # idle peers are many, and the next may be long in coming
            code = message.get("code") or 0
        except StreamClosed:
            logger.debug("A peer left before its WebSocket was accepted")
        except asyncio.CancelledError:
            if not flow.is_aborted:
                raise
        finally:
            flow.end()
            stream.end()
            opened.detach(stream, code)

    async def _open(self, scope: Scope, stream: WebSocketStream) -> Connection | Refusal:
        """Open a connection, or say why not; only then the handshake is answered."""
        greeted = greet(scope, is_secure=is_websocket_secure(scope))
        if not isinstance(greeted, Caller):
            return greeted
        if greeted.outdated is not None:
            return greeted.outdated
        if not self._finds_sessions:
            scope.setdefault("session", None)
        server = hub.get_server()
        try:
            with server.admission.opening(is_known=server.is_known(greeted.uuid)):
                peer, identity = await authenticate_peer(greeted, scope)
                return await server.open(
                    peer, identity, stream, dialect=greeted.dialect, opening=greeted.opening
                )
        except RefusedError as error:
            return Refusal.from_error(error)

    async def dispatch(self, message: Message) -> None:
        """Do nothing: events never come this way."""


def _get_frame(message: Message) -> str | bytes | None:
    """Return what a peer says, None when it is gone."""
    if message["type"] != "websocket.receive":
        return None
    text: str | None = message.get("text")
    frame: str | bytes = message["bytes"] if text is None else text
    return frame


async def _take_in_turns(
    connection: Connection, stream: WebSocketStream, flow: Flow, frame: str | bytes
) -> None:
    """Take a long frame, and let others run in between."""
    whole = isinstance(frame, bytes) and connection.reads_binary
    for data in (frame,) if whole else cut_frame(frame):
        if connection.stream is not stream:
            return
        connection.receive(data)
        if not connection.requests.is_ready:
            await _let_catch_up(connection, flow)
        await asyncio.sleep(0)


async def _let_catch_up(connection: Connection, flow: Flow) -> None:
    """Read no more from a peer while too much of what it has said waits."""
    flow.pause_reading()
    try:
        await connection.ready()
    finally:
        flow.resume_reading()
