"""How a peer is told that it may not connect, on either transport.

Takes what went wrong, gives a `Refusal`: status, text and when to try again. Texts are plain and
never begin with ``<``: VortexJS takes that for a login page and reloads the page (PROTOCOL 6.2).
"""

from dataclasses import dataclass

from django_vortex.exceptions import RefusedError, TakenByAnother, TooManyPeers
from django_vortex.transports.asgi_types import Scope, Send

HTTP_RESPONSE = "websocket.http.response"
"""The ASGI extension with which a handshake is answered by something else than 403."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a peer may not connect.

    Attributes:
        status: Of the HTTP answer.
        text: For the developer at the other end.
        retry_seconds: When to try again, if that makes sense.
    """

    status: int
    text: str
    retry_seconds: int | None = None

    @classmethod
    def from_error(cls, error: RefusedError) -> "Refusal":
        """Give the answer to what the server raised."""
        if isinstance(error, TakenByAnother):
            return cls(403, str(error))
        seconds = error.retry_after if isinstance(error, TooManyPeers) else 0.0
        return cls(503, str(error), max(1, round(seconds)))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the HTTP answer, without the length."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
        if self.retry_seconds is not None:
            headers["Retry-After"] = str(self.retry_seconds)
        return headers

    @property
    def body(self) -> bytes:
        """The text of the HTTP answer."""
        return self.text.encode()

    async def send_http(self, send: Send) -> None:
        """Answer a request."""
        await self._send(send, "http.response")

    async def send_websocket(self, scope: Scope, send: Send) -> None:
        """Answer a handshake: with the status where the server can, else with 403."""
        if HTTP_RESPONSE in (scope.get("extensions") or {}):
            await self._send(send, HTTP_RESPONSE)
        else:
            await send({"type": "websocket.close"})

    async def _send(self, send: Send, kind: str) -> None:
        headers = {**self.headers, "Content-Length": str(len(self.body))}
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": f"{kind}.start", "status": self.status, "headers": encoded})
        await send({"type": f"{kind}.body", "body": self.body, "more_body": False})


BAD_ORIGIN = Refusal(
    403, "Pages of this origin may not connect; VORTEX['ALLOWED_ORIGINS'] lists more"
)
NO_SUCH_PATH = Refusal(404, "There is no vortex at this path")
NO_UUID = Refusal(400, "The URL needs vortexUuid and vortexName, not empty, each once")
