"""A `Line` over HTTP whose responses are short, for what delivers nothing before their end.

A POST with messages gets a response that ends at once, an empty one a response that ends as soon as
the server has something to say. There is always one of either; they are read in their order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

import httpx

from django_vortex.client.line import CLOSE_SECONDS, Address, LineEnded, TooLongForLine, describe
from django_vortex.client.posting import Poster, lost

PAUSE_SECONDS: Final = 0.05
"""The least time between a POST and the next empty one, whatever ends responses so early."""

_STALE: Final = 409
"""The status of a POST that a newer one has overtaken."""


class ShortLine:
    """The responses of one client, each of them short."""

    framed = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._poster = Poster(address)
        self._posts: deque[asyncio.Task[httpx.Response]] = deque()
        """The oldest one is that which is read."""
        self._posted_at = float("-inf")
        self._chunks: AsyncIterator[bytes] | None = None
        self._is_empty = True

    async def receive(self) -> bytes:
        """Return the next chunk of the oldest response that has not ended, first an empty one."""
        while True:
            if self._chunks is None:
                await self._go_on()
                return b""
            try:
                chunk = await anext(self._chunks, b"")
            except httpx.HTTPError as error:
                raise LineEnded(lost(describe(error))) from error
            if chunk:
                self._is_empty = False
                return chunk
            if self._is_empty and len(self._posts) == 1:  # no newer POST has ended it
                raise LineEnded(lost("The response was empty"))
            self._chunks = None
            await asyncio.shield(self._posts.popleft().result().aclose())

    async def send(self, texts: Sequence[str]) -> None:
        """Post messages, and do not wait for the response: `receive` tells how that went."""
        self._post(texts)

    async def beat(self, text: str = "") -> None:
        """Do nothing: a request that is under way is enough."""

    async def close(self) -> None:
        """End all requests."""
        posts = list(self._posts)
        self._posts.clear()
        for post in posts:
            post.cancel()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for one in await asyncio.gather(*posts, return_exceptions=True):
                    if isinstance(one, httpx.Response):
                        await one.aclose()
                await self._poster.close()
        except (TimeoutError, httpx.HTTPError, RuntimeError, OSError):
            return  # there is nobody to tell

    def _post(self, texts: Sequence[str]) -> None:
        headers = self._address.get_headers(continues=self._posted_at > 0)
        self._posted_at = asyncio.get_running_loop().time()
        self._posts.append(asyncio.create_task(self._poster.post(texts, headers)))

    async def _go_on(self) -> None:
        """Wait for the next response, and post if there will be none.

        One that was overtaken counts as a response that had nothing in it.
        """
        while not self._posts:
            wait = self._posted_at + PAUSE_SECONDS - asyncio.get_running_loop().time()
            if wait <= 0:
                self._post(())
            else:
                await asyncio.sleep(wait)
        post = self._posts[0]
        await asyncio.wait((post,))
        try:
            response = post.result()
        except LineEnded as error:
            if error.ending.code != _STALE or len(self._posts) == 1:
                raise
            self._posts.popleft()
        except TooLongForLine:
            self._posts.popleft()
            raise
        else:
            self._chunks, self._is_empty = response.aiter_raw().__aiter__(), True
