"""A `Line` over HTTP, by the library ``httpx``: what is written is posted, what comes is streamed.

Each POST gets a response of its own, and the server ends the one before it. The old one is read to
its end first, so that the order stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx

from django_vortex.client.line import (
    CLOSE_SECONDS,
    Address,
    Line,
    LineEnded,
    begin,
    describe,
)
from django_vortex.client.posting import Poster, lost
from django_vortex.client.short_line import ShortLine


class HttpLine:
    """The responses of one client, one after another."""

    framed = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._poster = Poster(address)
        self._posts = 0
        self._responses: asyncio.Queue[httpx.Response] = asyncio.Queue()
        self._current: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._posting = 0
        self._posted = asyncio.Condition()
        self._failed: LineEnded | None = None

    async def receive(self) -> bytes:
        """Return the next chunk of the oldest response that has not ended, first an empty one."""
        while True:
            if self._chunks is None:
                await self._go_on()
                return b""
            assert self._chunks is not None
            try:
                chunk = await anext(self._chunks, b"")
            except httpx.HTTPError as error:
                if not self._has_next():
                    raise LineEnded(lost(describe(error))) from error
                chunk = b""
            if chunk:
                return chunk
            await self._drop_current()

    async def send(self, texts: Sequence[str]) -> None:
        """Post messages; the response to them takes the place of the one before."""
        self._posting += 1
        try:
            headers = self._address.get_headers(continues=self._posts > 0)
            self._posts += 1
            self._responses.put_nowait(await self._poster.post(texts, headers))
        except LineEnded as error:
            self._failed = error
            raise
        finally:
            self._posting -= 1
            async with self._posted:
                self._posted.notify_all()

    async def beat(self, text: str = "") -> None:
        """Do nothing: an open response is enough."""

    async def close(self) -> None:
        """End all responses."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._drop_current()
                while not self._responses.empty():
                    await self._responses.get_nowait().aclose()
                await self._poster.close()
        except (TimeoutError, httpx.HTTPError, RuntimeError, OSError):
            return  # there is nobody to tell

    async def _go_on(self) -> None:
        """Wait for the next response, if there will be one."""
        async with self._posted:
            while self._posting and self._responses.empty():
                await self._posted.wait()
        if self._responses.empty():
            raise self._failed or LineEnded(lost("The response has ended"))
        self._current = self._responses.get_nowait()
        self._chunks = self._current.aiter_raw().__aiter__()

    def _has_next(self) -> bool:
        return bool(self._posting) or not self._responses.empty()

    async def _drop_current(self) -> None:
        current, self._current, self._chunks = self._current, None, None
        if current is not None:
            await asyncio.shield(current.aclose())


async def open_http(address: Address, first: Sequence[str]) -> Line:
    """Post the first messages."""
    if address.is_short:
        return await begin(ShortLine(address), first)
    return await begin(HttpLine(address), first)
