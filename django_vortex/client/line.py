"""What a connection is to the driver, whichever transport it uses: `Line`.

Takes an address, gives text both ways until it ends. How it ends is an `Ending`, carried by
`LineEnded`; errors of the libraries are translated to it at this border and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Final, Protocol, TypeVar

from django_vortex.client.endings import Ending
from django_vortex.wire.messages import HEARTBEAT
from django_vortex.wire.opening import SESSION_HEADER

CLOSE_SECONDS: Final = 1.0
"""How long the other end has for a closing in good order; then the connection is cut."""

MAX_MESSAGE_BYTES: Final = 67_108_864
"""How long a message of the server may be, over either transport."""


class SaySession(Protocol):
    """Says of a session what is so now."""

    def __call__(self, *, continues: bool, wants_short: bool = False) -> str:
        """Return the header; see `Opening`."""


class LineEnded(Exception):
    """A connection has ended, or an attempt to open one failed.

    Args:
        ending: Why, and what that means for the next one.
        written: Of the messages that were to be written now: how many may have left.
    """

    def __init__(self, ending: Ending, written: int = 0) -> None:
        super().__init__(ending.reason)
        self.ending = ending
        self.written = written


class TooLongForLine(Exception):
    """What was to be written is longer than the other end takes, which has not got it.

    The connection goes on. Its parts may be taken one by one.

    Args:
        reason: What the other end says.
        texts: What was too long, where that is known only after `Line.send` has returned.
    """

    def __init__(self, reason: str, texts: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.texts = texts


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, and with what.

    Attributes:
        websocket_url: With the query that says who the client is.
        http_url: The same for requests.
        headers: Sent with each handshake and request.
        ssl: The same context for both transports, None without TLS.
        proxy: The same proxy for both, None for none.
        idle_seconds: How long the server may say nothing.
        say_session: Returns the header that says of the session what is so now; called for each
            handshake and request. It is told whether that follows another of the same connection.
        is_short: Whether responses are to end as soon as they have carried something, since what is
            between the two ends delivers nothing before.
    """

    websocket_url: str
    http_url: str
    headers: Mapping[str, str]
    ssl: SSLContext | None
    proxy: str | None
    idle_seconds: float
    say_session: SaySession | None = None
    is_short: bool = False

    def get_headers(self, *, continues: bool = False) -> dict[str, str]:
        """Return the headers of a handshake or request that is made now."""
        if self.say_session is None:
            return dict(self.headers)
        said = self.say_session(continues=continues, wants_short=self.is_short)
        return {**self.headers, SESSION_HEADER: said}


class Line(Protocol):
    """One connection; opened by its class, used by one reader and one writer."""

    framed: bool
    """Whether it is HTTP, where dots end the messages."""

    async def receive(self) -> str | bytes:
        """Return the next that came, nothing where another response begins.

        Raises `LineEnded`, and `TooLongForLine` for what `send` could not know.
        """

    async def send(self, texts: Sequence[str]) -> None:
        """Write messages; raises `LineEnded` or `TooLongForLine`."""

    async def beat(self, text: str = HEARTBEAT) -> None:
        """Show that this end lives; raises `LineEnded`."""

    async def close(self) -> None:
        """End it within `CLOSE_SECONDS`; never raises, and may be called again."""


_Line = TypeVar("_Line", bound=Line)


class OpenLine(Protocol):
    """Opens a `Line`."""

    async def __call__(self, address: Address, first: Sequence[str]) -> Line:
        """Connect and write the first messages; raises `LineEnded`."""


async def begin(line: _Line, first: Sequence[str]) -> _Line:
    """Write the first messages of a connection and return it; what fails there is closed.

    Raises:
        LineEnded: It has ended already.
    """
    try:
        await line.send(first)
    except BaseException:
        await close_line(line)
        raise
    return line


async def close_line(line: Line) -> None:
    """Close a line before this ends, also when it is cancelled meanwhile."""
    closing = asyncio.ensure_future(line.close())
    cancelled: asyncio.CancelledError | None = None
    while not closing.done():
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def describe(error: BaseException) -> str:
    """Return one line about an error of a library."""
    text: Any = str(error).strip().splitlines()
    name = type(error).__name__
    return f"{name}: {text[0]}" if text else name
