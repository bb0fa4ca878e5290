"""One POST of a client, by the library ``httpx``: `Poster`.

Takes messages, gives the response that streams; whatever else an HTTP server or a proxy answers is
translated to how the connection ends.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence

import httpx

from django_vortex.client.endings import Ending, read_ending
from django_vortex.client.line import Address, LineEnded, TooLongForLine, describe
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


class Poster:
    """Makes the requests of one connection."""

    def __init__(self, address: Address) -> None:
        self._url = address.http_url
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

    async def post(self, texts: Sequence[str], headers: Mapping[str, str]) -> httpx.Response:
        """Post messages, and return the response when it has begun.

        Raises:
            LineEnded: It is none that streams.
            TooLongForLine: The messages are together longer than what is taken.
        """
        body = "".join(reframe(text, framed=True) for text in texts).encode("ascii")
        count = len(texts)
        request = self._http.build_request("POST", self._url, content=body, headers=headers)
        try:
            async with asyncio.timeout(self._answer_seconds):
                response = await self._http.send(request, stream=True)
        except _NOT_SENT as error:
            raise LineEnded(lost(describe(error))) from error
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise LineEnded(lost(describe(error)), count) from error
        kind = response.headers.get("Content-Type", "")
        if response.status_code == 200 and kind.startswith("text/text"):
            return response
        try:
            ending = await _read_refusal(response)
        finally:
            await asyncio.shield(response.aclose())
        if response.status_code == _TOO_LONG and count:
            raise TooLongForLine(ending.reason, texts)
        raise LineEnded(ending, 0 if response.status_code in _NOT_TAKEN else count)

    async def close(self) -> None:
        """End all connections."""
        await self._http.aclose()


def lost(reason: str) -> Ending:
    """Return how a connection ends that is cut."""
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
        return lost(f"HTTP status {response.status_code} with {kind or 'no type'}, not a vortex")
    retry_after = response.headers.get("Retry-After", "")
    return read_ending(response.status_code, text, retry_after=retry_after, keeps_requests=True)
