"""No request body of a vortex that is longer than it may be is read to its end.

Takes an HTTP application, gives one that answers 413 for it. Django itself reads every body to its
end, into a file if need be, before any middleware or view is asked.
"""

from django_vortex.conf import get_settings
from django_vortex.transports.asgi_types import Application, Message, Receive, Scope, Send
from django_vortex.transports.paths import is_vortex_path
from django_vortex.transports.refusal import Refusal

MAX_MESSAGES_PER_BODY = 4
"""How many messages of the largest size a body may have; any number of shorter ones."""


class BodyLimit:
    """An ASGI middleware for HTTP that stops reading in time.

    Only bodies over the limit pay for finding out whether their path is a vortex.

    Args:
        inner: The application.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        limit = get_settings().max_message_bytes * MAX_MESSAGES_PER_BODY
        if _announced_bytes(scope) > limit and is_vortex_path(scope):
            await _too_long(limit).send_http(send)
            return
        body = _Body(scope, receive, limit)
        await self._inner(scope, body.receive, send)
        if body.is_cut:
            await _too_long(limit).send_http(send)


class _Body:
    """Counts what is received; says that the client has gone when that is too much.

    A disconnect is what every application knows how to end on without an answer of its own.
    """

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        self._scope = scope
        self._receive = receive
        self._limit: float = limit
        self._size = 0
        self.is_cut = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > self._limit:
                if is_vortex_path(self._scope):
                    self.is_cut = True
                    return {"type": "http.disconnect"}
                self._limit = float("inf")
        return message


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_long(limit: int) -> Refusal:
    return Refusal(413, f"The body is longer than {limit} bytes")
