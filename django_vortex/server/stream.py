"""The interface between transports and the server: `Stream`, one way to write to a peer.

A stream is one WebSocket or one HTTP response. A peer (a uuid) has one after another.
"""

from collections.abc import Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from django_vortex.exceptions import VortexError

Burst: TypeAlias = AbstractContextManager[None]
"""Until its end, streams may put off what `Stream.write_now` took; nothing is awaited in it."""


class StreamClosed(VortexError):
    """Raised by `Stream.send` when the stream has ended and the text is not on its way."""


class Stream(Protocol):
    """One way to write to one peer, made by a transport and used from the loop's thread only.

    The server never has two `send` running on one stream. It steps the coroutine that `send`
    returns by hand, outside of any task of its own, and makes a task only when it blocks, so
    `send` must not look at the current task (no `asyncio.timeout` inside) before it blocks.
    The fastest `send` is one that awaits nothing but the ASGI server's own ``send``.
    """

    @property
    def framed(self) -> bool:
        """Whether this is an HTTP response: base64 texts, each ended by a dot."""

    def write_now(self, text: str | bytes) -> bool:
        """Write one text at once, without a coroutine, if the stream has a way to do so now.

        Called only while no `send` runs; raises nothing.

        Returns:
            Whether the text is on its way, or will be when the `Burst` ends. If not, nothing has
            happened and `send` has to take it, which also says whether the stream has ended.
        """

    def send(self, text: str | bytes) -> Coroutine[Any, Any, None]:
        """Write one text, or one piece as a binary frame; blocks while the peer does not read.

        An HTTP response is given texts only.

        Raises:
            StreamClosed: The stream has ended.
            OSError: The peer has gone away, as ASGI servers say it.
        """

    def close(self, code: int, reason: str, last_text: str = "") -> None:
        """End the stream: returns at once and may be called again, which then does nothing.

        What was handed to the ASGI server before still goes out first if the peer reads; the socket
        is released in the end even if it never does. A blocked `send` ends with `StreamClosed`.

        Args:
            code: 1000 or 3000 to 4999; an HTTP response has no use for it and just ends.
            reason: A short text for the peer, at most 120 ASCII characters.
            last_text: What an HTTP response ends with, since it has no close frame.
        """

    def take_unsent(self) -> Sequence[str | bytes]:
        """Take back, oldest first, what `send` got but that the ASGI server did not.

        That includes the text a blocked `send` waits with, unless it is in the ASGI server's own
        ``send`` already. What is taken back must not be sent by this stream any more: the server
        writes it to the stream that replaces this one. Called once, just before `close`.
        """
