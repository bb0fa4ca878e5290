"""The server's side of ASGI, for tests: gives events to an application and keeps its answers."""

import asyncio
from typing import Any, Self
from urllib.parse import urlencode

HOST_HEADER = (b"host", b"localhost")


class Connection:
    """One connection of an application that runs in a task.

    Args:
        application: Under test.
        scope: Of the connection.
    """

    def __init__(self, application: Any, scope: dict[str, Any]) -> None:
        self.scope = scope
        self.sent: list[dict[str, Any]] = []
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._has_sent = asyncio.Event()
        self._task = asyncio.ensure_future(application(scope, self._events.get, self._send))

    @classmethod
    def open_websocket(
        cls,
        application: Any,
        path: str = "/live/vortex",
        *,
        headers: list[tuple[bytes, bytes]] | None = None,
        extensions: dict[str, Any] | None = None,
        **query: str,
    ) -> Self:
        """Open a WebSocket; ``query`` is the peer's by default."""
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": path,
            "query_string": urlencode(query or {"vortexUuid": "u", "vortexName": "n"}).encode(),
            "headers": [HOST_HEADER, *(headers or [])],
            "client": ("10.0.0.1", 4711),
            "extensions": extensions or {},
        }
        connection = cls(application, scope)
        connection.give({"type": "websocket.connect"})
        return connection

    @classmethod
    def post(
        cls,
        application: Any,
        body: bytes = b"",
        *,
        path: str = "/live/vortex",
        method: str = "POST",
        headers: list[tuple[bytes, bytes]] | None = None,
        **query: str,
    ) -> Self:
        """Make a request; ``query`` is the peer's by default."""
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": urlencode(query or {"vortexUuid": "u", "vortexName": "n"}).encode(),
            "headers": [HOST_HEADER, *(headers or [])],
            "client": ("10.0.0.1", 4711),
            "server": ("127.0.0.1", 80),
        }
        connection = cls(application, scope)
        connection.give({"type": "http.request", "body": body, "more_body": False})
        return connection

    @property
    def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the response."""
        start = self.sent[0]
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return start["status"], headers

    @property
    def body(self) -> str:
        """What came of the body so far."""
        return b"".join(one.get("body", b"") for one in self.sent[1:]).decode()

    @property
    def has_ended(self) -> bool:
        """Whether the response is complete."""
        return len(self.sent) > 1 and not self.sent[-1].get("more_body", False)

    @property
    def texts(self) -> list[str]:
        """The texts of the WebSocket so far."""
        return [one["text"] for one in self.sent if one["type"] == "websocket.send"]

    @property
    def types(self) -> list[str]:
        """What kinds of events were sent."""
        return [one["type"] for one in self.sent]

    def give(self, event: dict[str, Any]) -> None:
        """Let the application receive an event."""
        self._events.put_nowait(event)

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many events were sent; an application that failed fails the test."""
        while len(self.sent) < count:
            if self._task.done():
                self._task.result()
                raise AssertionError(f"The application ended after {self.types}")
            self._has_sent.clear()
            waiting = asyncio.ensure_future(self._has_sent.wait())
            await asyncio.wait(
                [waiting, self._task], timeout=60, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
        return self.sent

    async def disconnect(self) -> None:
        """Go away and wait for the application to notice."""
        self.give({"type": f"{self.scope['type']}.disconnect", "code": 1001})
        await self.end()

    async def end(self) -> None:
        """Wait for the application to end."""
        await asyncio.wait_for(self._task, 60)

    async def _send(self, event: dict[str, Any]) -> None:
        self.sent.append(event)
        self._has_sent.set()
