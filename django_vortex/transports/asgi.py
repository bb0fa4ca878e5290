"""The one line of a project's ``asgi.py``: `vortex_application`.

Takes the applications a project has, gives one ASGI application around them that serves HTTP,
WebSockets and the server's lifespan. It has to be the outermost one: only there the server's own
``send`` can be seen, which flow control depends on.
"""

from collections.abc import Callable

from django.core.asgi import get_asgi_application

from django_vortex.transports import hub
from django_vortex.transports.asgi_types import Application, Message, Receive, Scope, Send
from django_vortex.transports.body_limit import BodyLimit
from django_vortex.transports.flow import SCOPE_KEY, get_flow
from django_vortex.transports.origin import is_host_allowed
from django_vortex.transports.paths import is_vortex_path
from django_vortex.transports.refusal import BAD_HOST, NO_SUCH_PATH
from django_vortex.transports.startup import require_sound_settings

Stack = Callable[[Application], Application]
"""Puts middleware around an application."""


class VortexApplication:
    """The ASGI application that `vortex_application` returns.

    Args:
        http: Serves HTTP.
        websocket: Serves the WebSockets that are no vortex; None answers 404.
        websocket_stack: Wraps the vortex in middleware that authenticates WebSockets; None reads
            Django's session and user where ``AUTHENTICATE`` names `session_cookie`.
    """

    def __init__(
        self,
        http: Application,
        websocket: Application | None,
        websocket_stack: Stack | None,
    ) -> None:
        # Not on top: Django is set up only when the HTTP application has been made.
        from django_vortex.transports.consumer import VortexConsumer

        self._http: Application = BodyLimit(http)
        self._websocket = websocket
        # One object serves all sockets. Each keeps a stack of calls as long as it lives, which is
        # therefore not deeper than it has to be.
        vortex: Application = VortexConsumer(finds_sessions=websocket_stack is None)
        self._vortex = vortex if websocket_stack is None else websocket_stack(vortex)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] == "http" and is_vortex_path(scope) and not _is_for_this_host(scope):
            # Django would write a traceback for each, in whatever middleware asks for the host.
            BAD_HOST.log(scope)
            await BAD_HOST.send_http(send)
            return
        flow = get_flow(send)
        flows = hub.get_flows()
        flows.add(flow)
        # Not in a copy: a scope has 400 bytes, the server keeps it, and nobody else has seen it.
        scope[SCOPE_KEY] = flow
        try:
            application = self._http
            if scope["type"] == "websocket":
                is_vortex = is_vortex_path(scope)
                application = self._vortex if is_vortex else self._websocket or _refuse
            await application(scope, receive, send)
        finally:
            scope.pop(SCOPE_KEY, None)
            flow.end()
            flows.discard(flow)


def _is_for_this_host(scope: Scope) -> bool:
    return is_host_allowed(scope["headers"], scope.get("server"))


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # the opening, behind which the end is reported
    NO_SUCH_PATH.log(scope)
    await NO_SUCH_PATH.send_websocket(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    """Answer the server's start and end (uvicorn's; Daphne tells neither)."""
    while True:
        message: Message = await receive()
        if message["type"] == "lifespan.startup":
            server = hub.get_server()
            with hub.handler_connections():
                await server.start()
            await send({"type": "lifespan.startup.complete"})
        else:
            await hub.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def vortex_application(
    http: Application | None = None,
    websocket: Application | None = None,
    *,
    websocket_stack: Stack | None = None,
) -> VortexApplication:
    """Return the ASGI application of a project that has a vortex.

    Args:
        http: Serves HTTP; Django's own application by default, which also sets Django up.
        websocket: Serves the WebSockets that are no vortex.
        websocket_stack: A function that puts middleware around the vortex on WebSockets, as
            Channels' ``AuthMiddlewareStack`` does, which works here too, and takes the place of
            `session_cookie` in ``VORTEX["AUTHENTICATE"]``. By default there is none.

    Raises:
        ImproperlyConfigured: With these settings no peer could be served.
    """
    if http is None:
        http = get_asgi_application()
    require_sound_settings()
    return VortexApplication(http, websocket, websocket_stack)
