"""Refuse a connection, on either transport: `Refusal`.

Takes what went wrong, gives a `Refusal`: status, close code, text and when to try again. Texts are
plain and never begin with ``<``: VortexJS takes that for a login page and reloads the page
(PROTOCOL 6.2).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django_vortex.exceptions import (
    InvalidCredentials,
    RefusedError,
    ShuttingDown,
    StaleStream,
    TakenByAnother,
    TooManyPeers,
    quoted,
)
from django_vortex.logs import get_limited_logger
from django_vortex.transports.asgi_types import Receive, Scope, Send
from django_vortex.transports.credentials import make_acceptance
from django_vortex.transports.flow import SCOPE_KEY, get_flow
from django_vortex.wire.reserved import (
    MALFORMED_CLOSURE,
    NOT_THIS_USER_CLOSURE,
    REFUSED_CLOSURE,
    STALE_CLOSURE,
    STOPPING_CLOSURE,
    THROTTLED_CLOSURE,
    UPDATE_REQUIRED,
    UPDATE_REQUIRED_CLOSURE,
)
from django_vortex.wire.versions import OLDEST_VERSION, VERSION

logger = get_limited_logger(__name__)

HTTP_RESPONSE = "websocket.http.response"
"""The ASGI extension with which a handshake is answered by something else than 403."""

END_SECONDS = 5.0
"""How long a server may take to report the end of a handshake that was answered."""

MAX_REASON_BYTES = 120
"""Longest reason of a close frame; the protocol has room for 123 bytes."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a peer may not connect.

    Attributes:
        status: Of the HTTP answer.
        text: For the developer at the other end.
        hint: For the developer at this end: what to do if it is wrong to refuse.
        challenge: With status 401 what would be accepted, as ``WWW-Authenticate`` says it.
        closure: The code with which WebSockets of our own dialect are accepted and closed at once,
            since a browser cannot read how a handshake was refused; None refuses them like others.
        retry_seconds: When to try again, if that makes sense.
    """

    status: int
    text: str
    closure: int | None = None
    retry_seconds: int | None = None
    hint: str = ""
    challenge: str = ""

    @classmethod
    def from_error(cls, error: RefusedError) -> "Refusal":
        """Return the answer to what the server raised."""
        if isinstance(error, InvalidCredentials):
            return cls(401, str(error), NOT_THIS_USER_CLOSURE, challenge=error.challenge)
        if isinstance(error, TakenByAnother):
            return cls(403, str(error), REFUSED_CLOSURE)
        if isinstance(error, StaleStream):
            return cls(409, str(error), STALE_CLOSURE)
        if isinstance(error, TooManyPeers):
            return cls(503, str(error), THROTTLED_CLOSURE, max(1, round(error.retry_after)))
        seconds = error.retry_after if isinstance(error, ShuttingDown) else 1
        return cls(503, str(error), STOPPING_CLOSURE, seconds)

    @classmethod
    def of_version(cls, announced: str) -> "Refusal":
        """Return the answer to a peer of our own dialect whose version is not served.

        Args:
            announced: What its URL says that it speaks.
        """
        return cls(
            426,
            f"{UPDATE_REQUIRED}: update the client, or reload the page; it speaks version"
            f" {quoted(announced)}, this server {OLDEST_VERSION} to {VERSION}",
            UPDATE_REQUIRED_CLOSURE,
        )

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the HTTP answer, without the length."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
        if self.retry_seconds is not None:
            headers["Retry-After"] = str(self.retry_seconds)
        if self.status == 401:
            headers["WWW-Authenticate"] = self.challenge or "Bearer"
        return headers

    @property
    def body(self) -> bytes:
        """The text of the HTTP answer."""
        return self.text.encode()

    @property
    def reason(self) -> str:
        """The reason of the close frame: begins with the seconds to wait, as ``7 s: ...``."""
        text = self.text if self.retry_seconds is None else f"{self.retry_seconds} s: {self.text}"
        return text.encode("ascii", "replace")[:MAX_REASON_BYTES].decode()

    def log(self, scope: Mapping[str, Any]) -> None:
        """Write who was refused and why; the peer's address and origin are quoted and cut."""
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        logger.log(
            logging.INFO if self.closure == STALE_CLOSURE else logging.WARNING,
            "Refused a %s from %s, host %s, origin %s: %s",
            "WebSocket" if scope["type"] == "websocket" else "POST",
            quoted(scope.get("client")),
            quoted(b", ".join(hosts).decode("latin-1")),
            quoted(b", ".join(origins).decode("latin-1")) if origins else "none",
            f"{self.text}. {self.hint}" if self.hint else self.text,
        )

    async def send_http(
        self, send: Send, before_end: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Answer a request and close its connection, whose body may not have been read.

        Args:
            send: Of the request.
            before_end: Awaited when the answer has been written, before the connection is closed.
        """
        await self._send(send, "http.response", before_end, Connection="close")

    async def send_websocket(
        self, scope: Scope, receive: Receive, send: Send, *, is_native: bool = False
    ) -> None:
        """Answer a handshake and see it through to its end.

        Args:
            scope: Of the handshake.
            receive: Of the handshake.
            send: Of the handshake.
            is_native: Whether the peer has announced our own dialect, which understands `closure`.
        """
        if is_native and self.closure is not None:
            await send(make_acceptance(scope.get("headers", ())))
            flow = scope.get(SCOPE_KEY) or get_flow(send)
            await flow.send_close(send, self.closure, self.reason)
        elif self.status != 403 and HTTP_RESPONSE in (scope.get("extensions") or {}):
            await self._send(send, HTTP_RESPONSE)
            await _wait_for_end(receive)
        else:
            await send({"type": "websocket.close"})  # which is 403

    async def _send(
        self,
        send: Send,
        kind: str,
        before_end: Callable[[], Awaitable[None]] | None = None,
        **more: str,
    ) -> None:
        headers = {**self.headers, **more, "Content-Length": str(len(self.body))}
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": f"{kind}.start", "status": self.status, "headers": encoded})
        body = self.body
        if before_end is not None:
            await send({"type": f"{kind}.body", "body": body, "more_body": True})
            await before_end()
            body = b""
        await send({"type": f"{kind}.body", "body": body, "more_body": False})


async def _wait_for_end(receive: Receive) -> None:
    """Wait until the server has seen the connection go.

    uvicorn takes an application that returns earlier for one that did not answer. It tells of the
    end twice: when it has the answer, and when the socket is gone.
    """
    try:
        async with asyncio.timeout(END_SECONDS):
            await receive()
            await receive()
    except TimeoutError:
        return  # of a server that tells once, or of one whose peer does not go


BAD_HOST = Refusal(
    400,
    "This server does not answer to that host name",
    hint="If it should, add the name to ALLOWED_HOSTS",
)
BAD_ORIGIN = Refusal(
    403,
    "Pages of this origin may not connect",
    hint="If they should, add the origin to VORTEX['ALLOWED_ORIGINS']",
)
NO_SUCH_PATH = Refusal(
    404,
    "There is no vortex at this path",
    hint='The paths are those of path("", include("django_vortex.urls")) in the URLconf',
)
BAD_SESSION = Refusal(400, "The header Vortex-Session cannot be read", MALFORMED_CLOSURE)
NO_UUID = Refusal(
    400, "The URL needs vortexUuid and vortexName, not empty, each once", MALFORMED_CLOSURE
)
