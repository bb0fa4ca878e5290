"""The HTTP view: a POST whose response stays open and streams.

Takes a request with the peer's messages, gives a response that lasts until the peer's next request.
While it is idle it holds a task and nothing else: no thread, no database connection.
"""

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import cast

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from django_vortex.exceptions import RefusedError
from django_vortex.routing.peer import Peer
from django_vortex.server.connection import Connection
from django_vortex.server.identity import Identity
from django_vortex.transports import hub
from django_vortex.transports.asgi_types import Message, Scope
from django_vortex.transports.authenticate import authenticate_peer
from django_vortex.transports.flow import SCOPE_KEY, Flow
from django_vortex.transports.greeting import Caller, greet
from django_vortex.transports.http_stream import BeforeSecond, HttpStream
from django_vortex.transports.paths import vortex_path
from django_vortex.transports.refusal import Refusal
from django_vortex.transports.request_thread import release_request_thread
from django_vortex.transports.turns import cut
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.events import Event
from django_vortex.wire.protocol import Protocol

REPLY_SECONDS = 0.05
"""How long the first chunk waits for the replies to the very messages of its request."""

VORTEXPY_REPLY_SECONDS = 1.0
"""The same for VortexPY, which may lose what it reads soon after the info."""

INFO_SECONDS = 0.2
"""How long VortexPY has for decoding the info, where replies do not fit into its chunk."""

SEGMENT_BYTES = 1200
"""What every network hands over in one piece: below the payload of a TCP segment."""

VORTEXPY_AGENT = "Synerty VortexServer Client"

WSGI = Refusal(503, "The vortex needs an ASGI server; this one is WSGI")
ONLY_POST = Refusal(405, "A vortex is opened with POST or as a WebSocket")


@vortex_path
@csrf_exempt  # Django's token can not be had by released clients; the origin is checked instead
async def vortex_view(request: HttpRequest, *, is_probed: bool = False) -> HttpResponseBase:
    """Open or continue a peer's connection, hand on the messages in the body, stream to the peer.

    Args:
        request: Django's.
        is_probed: Whether a GET asks if WebSockets work here, as VortexJS does (PROTOCOL 6.3).
    """
    if is_probed and request.method in ("GET", "HEAD"):
        return _answer_probe()
    if request.method != "POST":
        return _respond(ONLY_POST, Allow="POST")
    if not isinstance(request, ASGIRequest):
        return _respond(WSGI)
    greeted = greet(request.scope, is_secure=request.is_secure())
    if not isinstance(greeted, Caller):
        return _refuse(greeted, request)
    if greeted.outdated is not None:
        await _dismiss(greeted, greeted.outdated, request)
        return _refuse(greeted.outdated, request)
    server = hub.get_server()
    # Read before the first byte goes out: a D0 peer can not bear what others get first.
    protocol = Protocol(server.codec, framed=True, dialect=greeted.dialect)
    events: list[Event] = []
    body = request.read()
    rest = cut(body)
    for data in rest:
        events += protocol.receive(data)
        if protocol.dialect is not None or len(events) > 1:
            break  # the first message tells, or none does; before it there may be a beat
        await asyncio.sleep(0)
    else:
        events += protocol.finish()
    opening = greeted.opening
    stream = HttpStream(
        request.scope.get(SCOPE_KEY) or Flow(_send_nothing),
        is_short=opening is not None and opening.wants_short,
    )
    is_here = greeted.uuid in server.connections  # such a request is none that opens anything
    is_known = server.is_known(greeted.uuid)
    try:
        with nullcontext() if is_here else server.admission.opening(is_known=is_known):
            peer, identity = await _identify(greeted, request)
            with hub.handler_connections():
                connection = await server.open(
                    peer, identity, stream, dialect=protocol.dialect, opening=opening
                )
    except RefusedError as error:
        return _refuse(Refusal.from_error(error), request)
    stream.on_end = lambda ended: connection.detach(ended, is_complete=ended.is_complete)
    session = connection.session
    is_expected = opening is not None and opening.continues and bool(session and session.is_resumed)
    if body or not is_expected:
        stream.end_soon()  # a short response: the peer waits for the counts, or the introduction
    try:
        with hub.handler_connections():
            await _hand_on(connection, stream, protocol, events, rest)
    except BaseException:
        stream.end()  # there will be no response to do it
        raise
    # VortexPY 0.x stops reading what has come at an empty payload, which the info is.
    stream.has_first_text_alone = connection.dialect is Dialect.D0
    is_vortexpy = request.headers.get("User-Agent") == VORTEXPY_AGENT
    response = StreamingHttpResponse(
        stream.chunks(lambda: _prepare_first_chunk(connection, stream, is_vortexpy=is_vortexpy)),
        headers={
            "Content-Type": "text/text",
            # Nothing between us and the peer may wait for more before it passes on what there is.
            "Content-Encoding": "identity",
            "Cache-Control": "no-cache, no-transform",
            "X-Accel-Buffering": "no",
        },
    )
    # For a response that is dropped before its first chunk, where nothing else notices.
    response._resource_closers.append(stream.end)  # type: ignore[attr-defined]
    return response


async def _identify(caller: Caller, request: ASGIRequest) -> tuple[Peer, Identity]:
    """Return what the server opens a connection with; asks who is logged in."""
    scope = cast(Scope, request.scope)  # whose type in django-stubs is read-only
    return await authenticate_peer(caller, scope, request)


async def _dismiss(caller: Caller, refusal: Refusal, request: ASGIRequest) -> None:
    """Close the connection that a peer may have already, in words that its stream ends with."""
    connection = hub.get_server().peers.get(caller.uuid)
    if connection is not None and refusal.closure is not None:
        with suppress(RefusedError):  # of somebody else, whom it tells nothing
            _, identity = await _identify(caller, request)
            if connection.identity.may_be_taken_over_by(identity):
                connection.close(refusal.closure, refusal.reason)


async def _hand_on(
    connection: Connection,
    stream: HttpStream,
    protocol: Protocol,
    events: list[Event],
    rest: Iterator[str | bytes],
) -> None:
    """Pass the peer's request body to its connection, first the part that was read already.

    A little at a time, and others run in between. What a session does not go on with is dropped;
    what it has is acknowledged at once.
    """
    session = connection.session
    if session is not None and not session.is_resumed:
        return
    connection.receive_events(events, protocol.dialect)
    for data in rest:
        await asyncio.sleep(0)
        if connection.is_closed or (session is not None and connection.stream is not stream):
            return
        connection.receive_events(protocol.receive(data), protocol.dialect)
    connection.receive_events(protocol.finish(), protocol.dialect)
    connection.tell_counts()


async def _prepare_first_chunk(
    connection: Connection, stream: HttpStream, *, is_vortexpy: bool
) -> BeforeSecond | None:
    """Let go of what the request holds, and wait a moment for the replies to its messages.

    VortexPY decodes in threads, and loses a reply that it has decoded before the info (PROTOCOL
    6.7). Replies that it reads in one piece with the info are safe; those that are late or longer
    follow at a distance, and so does everything where the info has its chunk for itself.
    """
    await release_request_thread()
    if stream.has_first_text_alone:
        return _let_info_be_decoded
    late: set[asyncio.Task[None]] = set()
    if replying := set(connection.requests.tasks):
        seconds = VORTEXPY_REPLY_SECONDS if is_vortexpy else REPLY_SECONDS
        _, late = await asyncio.wait(replying, timeout=seconds)
    if not is_vortexpy:
        return None
    stream.has_first_text_alone = stream.waiting_bytes > SEGMENT_BYTES
    return _let_info_be_decoded if late or stream.has_first_text_alone else None


async def _let_info_be_decoded() -> None:
    await asyncio.sleep(INFO_SECONDS)


def _answer_probe() -> HttpResponse:
    """Tell VortexJS that a WebSocket can be opened here (PROTOCOL 6.3)."""
    now = datetime.now(UTC).isoformat()
    return JsonResponse({"success": True, "websocket": True, "upgradeable": True, "date": now})


def _refuse(refusal: Refusal, request: ASGIRequest) -> HttpResponse:
    """Turn away a peer that may not connect, and write why."""
    refusal.log(request.scope)
    return _respond(refusal)


def _respond(refusal: Refusal, **headers: str) -> HttpResponse:
    response = HttpResponse(
        refusal.body, status=refusal.status, headers={**refusal.headers, **headers}
    )
    # By `Refusal.log`, so often in a minute; Django would write one more line for each.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


async def _send_nothing(message: Message) -> None:
    """Stand in for a server's ``send`` that nobody has put into the scope."""


class _EveryDatabase(set[str]):
    """The databases whose ``ATOMIC_REQUESTS`` is not for a view: whichever there are."""

    def __contains__(self, alias: object) -> bool:
        return True


# What Django's `non_atomic_requests` sets for one database; no async view may be in a transaction.
vortex_view._non_atomic_requests = _EveryDatabase()  # type: ignore[attr-defined]
