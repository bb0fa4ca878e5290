"""One streaming HTTP response as the server's `Stream`: texts in, chunks of the body out.

Takes texts from a connection, gives bytes to Django. Texts wait in a slot of about one chunk until
the socket takes more; what is in the slot when the peer's next request arrives has not left yet,
and moves over to the new response.

A short response ends by itself: proxies that buffer deliver nothing of it before that.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from django_vortex.server.stream import StreamClosed
from django_vortex.transports.flow import Flow
from django_vortex.wire.counts import is_counts

CHUNK_BYTES = 65_536
"""Size of the slot and of the largest chunk; the high water mark of both servers' sockets."""

CLOSE_SECONDS = 5.0
"""How long a peer has for reading the end of a response before its connection is dropped."""

SHORT_SECONDS = 20.0
"""How long a short response waits for something to say; clients give up after 25 s of silence."""

BURST_SECONDS = 0.01
"""How long a short response stays open behind its first message, for those that follow at once."""

BeforeSecond = Callable[[], Awaitable[None]]


class HttpStream:
    """The body of one response, from the server's side a `Stream`, from Django's an iterator.

    Args:
        flow: Of the request.
        is_short: Whether the response ends as soon as it has carried a message. Introductions and
            counts are none.

    Attributes:
        has_first_text_alone: Whether the first chunk is the first text and nothing else.
        is_complete: Whether it was short and has ended by itself.
        on_end: Called once when the response has ended, whoever ended it; to be set after the
            connection was opened.
    """

    __slots__ = (
        *("_abort_timer", "_end_timer", "_flow", "_is_closed", "_is_ending", "_is_introduced"),
        *("_is_over", "_is_short", "_room", "_texts", "_texts_bytes", "_waiting", "_work"),
        *("has_first_text_alone", "is_complete", "on_end"),
    )

    framed = True

    def __init__(self, flow: Flow, *, is_short: bool = False) -> None:
        self._flow = flow
        self._is_short = is_short
        self._is_introduced = False
        self._is_ending = False
        self._end_timer: asyncio.TimerHandle | None = None
        self.has_first_text_alone = False
        self.is_complete = False
        self.on_end: Callable[[HttpStream], object] | None = None
        self._texts: list[str] = []
        self._texts_bytes = 0
        self._waiting: str | None = None
        self._is_closed = False
        self._is_over = False
        self._abort_timer: asyncio.TimerHandle | None = None
        self._room: asyncio.Future[None] | None = None
        self._work: asyncio.Future[None] | None = None
        # Reached also when the response is dropped before its first chunk.
        flow.on_end = self.end

    @property
    def waiting_bytes(self) -> int:
        """Size of what is in the slot and has not left yet."""
        return self._texts_bytes

    def write_now(self, text: str | bytes) -> bool:
        """Leave every text to `send`; see `Stream.write_now`."""
        return False

    async def send(self, text: str | bytes) -> None:
        """Put one text into the slot; see `Stream.send`."""
        assert isinstance(text, str), "HTTP has no pieces"
        while self._texts_bytes >= CHUNK_BYTES and not self._is_closed:
            self._waiting = text
            self._room = asyncio.get_running_loop().create_future()
            try:
                await self._room
            finally:
                self._waiting = None
        if self._is_closed:
            raise StreamClosed("The response has ended")
        self._texts.append(text)
        self._texts_bytes += len(text)
        _wake(self._work)
        if self._is_short:
            if self._is_introduced and not is_counts(text):
                self._end_after(BURST_SECONDS)
            self._is_introduced = True

    def end_soon(self) -> None:
        """End a short response after what is in the slot; nothing happens to others."""
        if self._is_short:
            self._is_ending = True
            _wake(self._work)

    def close(self, code: int, reason: str, last_text: str = "") -> None:
        """End the response after what is in the slot; see `Stream.close`."""
        if self._is_closed:
            return
        if last_text:
            self._texts.append(last_text)
        self._is_closed = True
        _wake(self._room)
        _wake(self._work)
        self._flow.wake()
        if not self._is_over:
            loop = asyncio.get_running_loop()
            self._abort_timer = loop.call_later(CLOSE_SECONDS, self._flow.abort)

    def take_unsent(self) -> list[str]:
        """Take back what is in the slot, and the text that waits to get into it."""
        texts = self._texts
        if self._waiting is not None:
            texts.append(self._waiting)
        self._texts, self._texts_bytes = [], 0
        return texts

    async def chunks(
        self, before_first: Callable[[], Awaitable[BeforeSecond | None]] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Return the body, piece by piece, each when the socket takes it.

        Args:
            before_first: Awaited first; what it leaves in the slot goes out as one chunk. What it
                returns is awaited before the next one.
        """
        try:
            self._flow.start()
            if self._is_short:
                self._end_after(SHORT_SECONDS)
            before_second = None if before_first is None else await before_first()
            texts = 1 if self.has_first_text_alone else None
            while self._texts or not self._is_closed:
                await self._wait_for_work()
                if not self._flow.is_writable:
                    await self._flow.wait_writable()
                is_last = self._is_ending
                chunk, texts = self._take_chunk(texts), None
                # A longer text is cut, so that a socket that takes no more holds up the rest.
                for start in range(0, len(chunk), CHUNK_BYTES):
                    if start and not self._flow.is_writable:
                        await self._flow.wait_writable()
                    yield chunk[start : start + CHUNK_BYTES]
                if before_second is not None:
                    await before_second()
                    before_second = None
                if is_last and not self._is_closed:
                    self.is_complete = True
                    break  # what has come meanwhile goes out with the next response
        finally:
            # Twisted wants this before the end of the response, so `end` would be too late.
            self._flow.stop()
            self._forget()

    def end(self) -> None:
        """Note that the request is over, whatever became of its response."""
        self._forget()
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    def _forget(self) -> None:
        self._is_closed = self._is_over = True
        if self._end_timer is not None:
            self._end_timer.cancel()
        _wake(self._room)
        if self.on_end is not None:
            on_end, self.on_end = self.on_end, None
            on_end(self)

    def _end_after(self, seconds: float) -> None:
        """Let a short response end, unless it does so before."""
        loop = asyncio.get_running_loop()
        timer = self._end_timer
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._end_timer = loop.call_later(seconds, self.end_soon)

    async def _wait_for_work(self) -> None:
        if not self._texts and not self._is_closed and not self._is_ending:
            self._work = asyncio.get_running_loop().create_future()
            await self._work

    def _take_chunk(self, texts: int | None) -> bytes:
        """Take so many texts out of the slot, by default all."""
        chunk = "".join(self._texts[:texts]).encode("ascii")
        del self._texts[:texts]
        self._texts_bytes -= len(chunk)
        _wake(self._room)
        return chunk


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
