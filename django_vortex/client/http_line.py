"""A `Line` over HTTP, by the library ``httpx``: what is written is posted, what comes is streamed.

Each POST gets a response of its own, and the server ends the one before it. The old one is read to
its end first, so that the order stays.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence

import httpx

from django_vortex.client.endings import Ending, read_ending
from django_vortex.client.line import (
    CLOSE_SECONDS,
    Address,
    LineEnded,
    TooLongForLine,
    begin,
    describe,
)
from django_vortex.wire.framing import reframe

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Errors of a request of which the server has seen nothing."""

_TOO_LONG = 413
"""The status of a server, or of a proxy before it, that does not read a body so long."""

_NOT_TAKEN = frozenset({401, 403, 404, 405, 426, 429, 503})
"""Statuses with which no server has done what a request asked for."""

_WRITE_SECONDS = 10.0

_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP, where no TLS may begin."""


class HttpLine:
    """The responses of one client, one after another."""

    framed = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._posts = 0
        self._answer_seconds = address.idle_seconds
        # Silence is judged by the core, after what is there has been read.
        timeout = httpx.Timeout(_WRITE_SECONDS, read=None)
        self._http = httpx.AsyncClient(
            headers={"Content-Type": "text/plain"},
            verify=address.ssl or _TRUSTS_NOBODY,
            proxy=address.proxy,
            trust_env=False,
            timeout=timeout,
            limits=httpx.Limits(max_connections=None),
        )
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
                    raise LineEnded(_lost(describe(error))) from error
                chunk = b""
            if chunk:
                return chunk
            await self._drop_current()

    async def send(self, texts: Sequence[str]) -> None:
        """Post messages; the response to them takes the place of the one before."""
        body = "".join(reframe(text, framed=True) for text in texts).encode("ascii")
        self._posting += 1
        try:
            response = await self._post(body, len(texts))
            self._responses.put_nowait(response)
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
                await self._http.aclose()
        except (TimeoutError, httpx.HTTPError, RuntimeError, OSError):
            return  # there is nobody to tell

    async def _post(self, body: bytes, count: int) -> httpx.Response:
        headers = self._address.get_headers(continues=self._posts > 0)
        self._posts += 1
        request = self._http.build_request(
            "POST", self._address.http_url, content=body, headers=headers
        )
        try:
            async with asyncio.timeout(self._answer_seconds):
                response = await self._http.send(request, stream=True)
        except _NOT_SENT as error:
            raise LineEnded(_lost(describe(error))) from error
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise LineEnded(_lost(describe(error)), count) from error
        kind = response.headers.get("Content-Type", "")
        if response.status_code == 200 and kind.startswith("text/text"):
            return response
        try:
            ending = await _read_refusal(response)
        finally:
            await asyncio.shield(response.aclose())
        if response.status_code == _TOO_LONG and count:
            raise TooLongForLine(ending.reason)
        raise LineEnded(ending, 0 if response.status_code in _NOT_TAKEN else count)

    async def _go_on(self) -> None:
        """Wait for the next response, if there will be one."""
        async with self._posted:
            while self._posting and self._responses.empty():
                await self._posted.wait()
        if self._responses.empty():
            raise self._failed or LineEnded(_lost("The response has ended"))
        self._current = self._responses.get_nowait()
        self._chunks = self._current.aiter_raw().__aiter__()

    def _has_next(self) -> bool:
        return bool(self._posting) or not self._responses.empty()

    async def _drop_current(self) -> None:
        current, self._current, self._chunks = self._current, None, None
        if current is not None:
            await asyncio.shield(current.aclose())


async def open_http(address: Address, first: Sequence[str]) -> HttpLine:
    """Post the first messages."""
    return await begin(HttpLine(address), first)


def _lost(reason: str) -> Ending:
    return Ending(reason, keeps_requests=True)


async def _read_refusal(response: httpx.Response) -> Ending:
    """Return what a response means that is no stream; foreign pages are only a failed attempt."""
    body = b""
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > 200:
                break
    except httpx.HTTPError:
        pass  # the status is enough
    text = body[:200].decode("utf-8", "replace").strip()
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind != "text/plain" or text.startswith("<"):
        return _lost(f"HTTP status {response.status_code} with {kind or 'no type'}, not a vortex")
    retry_after = response.headers.get("Retry-After", "")
    return read_ending(response.status_code, text, retry_after=retry_after, keeps_requests=True)
