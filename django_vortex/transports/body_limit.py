"""Limit the size and the duration of request bodies that are sent to a vortex.

Takes an HTTP application, gives one that answers 413, 408 or 503 and keeps nothing of the body.
Django itself reads every body to its end, into a file if need be, before any middleware or view is
called, and waits for it without a limit.
"""

import asyncio
from collections import Counter
from typing import Final

from django_vortex.conf import get_settings
from django_vortex.transports.asgi_types import Application, Message, Receive, Scope, Send
from django_vortex.transports.greeting import get_client_address
from django_vortex.transports.incoming import ANSWERED_FACTOR
from django_vortex.transports.paths import is_vortex_path
from django_vortex.transports.refusal import Refusal

MAX_MESSAGES_PER_BODY: Final = ANSWERED_FACTOR
"""How many messages of the largest size a body may have; any number of shorter ones."""

LINGER_SECONDS: Final = 5.0
"""How long after the answer to a body that is too long the rest of it is thrown away.

A connection that is closed while it has data which nobody has read is reset, and who still sends
then loses the answer, or never looks for it.
"""

QUICK_SECONDS: Final = 1.0
"""A body that is there after so long is not counted among the slow ones of its address."""

_DISCONNECT: Final = "http.disconnect"


class BodyLimit:
    """An ASGI middleware for HTTP that stops reading in time.

    Only bodies beyond a limit, or slower than `QUICK_SECONDS`, pay for finding out whether their
    path is a vortex.

    Args:
        inner: The application.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner
        self._slow: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        limit = get_settings().max_message_bytes * MAX_MESSAGES_PER_BODY
        if _announced_bytes(scope) > limit and is_vortex_path(scope):
            refusal = _too_long(limit)
            refusal.log(scope)
            await refusal.send_http(send, lambda: _throw_away(receive))
            return
        body = _Body(scope, receive, limit, self._slow)
        try:
            await self._inner(scope, body.receive, send)
        finally:
            body.end()
        if body.refusal is not None:
            body.refusal.log(scope)
            await body.refusal.send_http(send, body.linger if body.is_too_long else None)


class _Body:
    """Watches what is received; says that the client has gone when it is too much or too late.

    A disconnect is what every application knows how to end on without an answer of its own.

    Args:
        scope: Of the request.
        receive: Of the request.
        limit: Bytes.
        slow: How many slow bodies each address has, over all requests.

    Attributes:
        refusal: What is to be answered, once the application has returned.
        is_too_long: Whether that is because of the length, and more of it may come.
    """

    __slots__ = (
        *("_address", "_deadline", "_is_over", "_limit", "_loop", "_receive", "_scope"),
        *("_size", "_slow", "_started_at", "is_too_long", "refusal"),
    )

    def __init__(self, scope: Scope, receive: Receive, limit: int, slow: "Counter[str]") -> None:
        self._scope = scope
        self._receive = receive
        self._limit = limit
        self._slow = slow
        self._size = 0
        self._is_over = False
        self._address: str | None = None
        self._loop = asyncio.get_running_loop()
        self._started_at = self._loop.time()
        self._deadline = self._started_at + QUICK_SECONDS
        self.refusal: Refusal | None = None
        self.is_too_long = False

    async def receive(self) -> Message:
        """Receive the next event of the request."""
        while not self._is_over:
            message = await self._receive_in_time()
            if message is not None:
                return self._take(message)
            self._be_late()
        if self.refusal is not None:
            return {"type": _DISCONNECT}
        return await self._receive()

    async def linger(self) -> None:
        """Throw away what still comes, for a while."""
        await _throw_away(self._receive)

    def end(self) -> None:
        """Count the body no more; may be called again."""
        self._is_over = True
        if self._address is not None:
            self._slow[self._address] -= 1
            if not self._slow[self._address]:
                del self._slow[self._address]
            self._address = None

    async def _receive_in_time(self) -> Message | None:
        """Receive an event, or return None at the deadline."""
        if self._loop.time() >= self._deadline:
            return None
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._receive()
        except TimeoutError:
            return None

    def _take(self, message: Message) -> Message:
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > self._limit and self._is_vortex():
                self.is_too_long = message.get("more_body", False)
                return self._refuse(_too_long(self._limit))
            if not message.get("more_body", False):
                self.end()
        return message

    def _be_late(self) -> None:
        """Decide at a deadline whether the body may go on, and until when."""
        if not self._is_vortex():
            return
        settings = get_settings()
        if self._address is not None:
            self._refuse(Refusal(408, f"The body took longer than {settings.body_seconds:g} s"))
            return
        address = get_client_address(self._scope)
        most = settings.slow_bodies_per_address
        if most and self._slow[address] >= most:
            text = "Too many slow bodies from this address"
            self._refuse(Refusal(503, text, retry_seconds=round(settings.body_seconds) or 1))
            return
        self._slow[address] += 1
        self._address = address
        self._deadline = self._started_at + settings.body_seconds

    def _is_vortex(self) -> bool:
        """Return whether the limits are for this path; else stop watching."""
        if is_vortex_path(self._scope):
            return True
        self.end()
        return False

    def _refuse(self, refusal: Refusal) -> Message:
        self.refusal = refusal
        self.end()
        return {"type": _DISCONNECT}


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_long(limit: int) -> Refusal:
    return Refusal(413, f"The body is longer than {limit} bytes")


async def _throw_away(receive: Receive) -> None:
    """Receive the rest of a body without keeping it, for `LINGER_SECONDS` at most."""
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request":
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return  # of one who sends very slowly, or very much
