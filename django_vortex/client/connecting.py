"""How a program gets a client: `connect`."""

from __future__ import annotations

import ssl as tls
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from django_vortex.client.addresses import FROM_ENVIRONMENT, make_target
from django_vortex.client.client import Client
from django_vortex.client.core import Core
from django_vortex.client.driver import Driver
from django_vortex.client.feeds import Feeds
from django_vortex.client.http_line import open_http
from django_vortex.client.line import MAX_MESSAGE_BYTES, OpenLine
from django_vortex.client.liveness import SILENT_SECONDS
from django_vortex.client.tokens import GetToken, Tokens
from django_vortex.client.websocket_line import open_websocket
from django_vortex.exceptions import DefinitionError
from django_vortex.tuples import TupleRegistry, registry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.limits import Limits

TRANSPORTS: dict[str, OpenLine] = {"websocket": open_websocket, "http": open_http}
"""The transports by name, the best one first."""

PIECED_BYTES = 1_000_000
"""How long the JSON of a payload may be that is sent in pieces; servers take 1 MiB by default."""

INFLATED_BYTES = 268_435_456
"""How long a payload's JSON may be."""


@asynccontextmanager
async def connect(
    url: str,
    *,
    name: str = "python",
    token: str | GetToken | None = None,
    headers: Mapping[str, str] = {},
    cookies: Mapping[str, str] = {},
    ssl: tls.SSLContext | None = None,
    proxy: str | None = FROM_ENVIRONMENT,
    transports: Sequence[str] = ("websocket", "http"),
    open_timeout: float | None = 10.0,
    vortexpy: bool = False,
    registry: TupleRegistry = registry,
) -> AsyncIterator[Client]:
    """Connect to a server for as long as an ``async with`` lasts.

    The client tries a WebSocket, else HTTP, and comes back by itself when the connection is cut.
    Leaving writes what waits and ends within a bound.

    Args:
        url: Of the vortex, as ``wss://example.org/vortex``; ``https`` means the same.
        name: What kind of client this is; the server can push to a name.
        token: Sent as ``Authorization: Bearer`` with every attempt; a function, ``async`` or not,
            is asked for each.
        headers: Sent with every attempt, as they are then: the mapping may be changed.
        cookies: Likewise.
        ssl: The TLS context of both transports, by default one that trusts what the system trusts.
        proxy: The proxy of both transports, None for none; by default what the environment says.
        transports: Which to try, the best one first; one alone may stand without a list.
        open_timeout: Seconds to wait for the first connection; None waits for ever, 0 not at all.
        vortexpy: Whether the server is VortexPY's own.
        registry: The tuple types, by default those of the program.

    Raises:
        NotConnected: There was no connection in time.
        Refused: The server does not let this client in.
        DefinitionError: An argument is none that makes sense.
    """
    chosen = _choose(transports, vortexpy=vortexpy)
    target = make_target(
        url,
        headers=headers,
        cookies=cookies,
        context=ssl,
        proxy=proxy,
        idle_seconds=SILENT_SECONDS,
    )
    limits = Limits(
        message_bytes=MAX_MESSAGE_BYTES, inflated_bytes=INFLATED_BYTES, pieced_bytes=PIECED_BYTES
    )
    codec = Codec(registry, limits, reads_unknown_tuples=True, reads_parts=True)
    dialect = Dialect.D2 if vortexpy else Dialect.NATIVE
    core = Core(str(uuid.uuid4()), name, codec, dialect=dialect, silent_seconds=SILENT_SECONDS)

    feeds = Feeds()
    client = Client(core, Driver(core, target, Tokens(token), chosen, feeds), feeds)
    try:
        if open_timeout != 0:
            await client.wait_online(open_timeout)
        yield client
    except BaseException:
        await client.close()
        raise
    await client.leave()


def _choose(names: Sequence[str], *, vortexpy: bool) -> dict[str, OpenLine]:
    """Return the transports by name.

    Raises:
        DefinitionError: There is none, or none of that name.
    """
    if isinstance(names, str):
        names = (names,)  # a text is a sequence of texts as well
    if vortexpy:
        names = [name for name in names if name == "websocket"]  # its HTTP receives nothing
    if not names or not set(names) <= TRANSPORTS.keys():
        raise DefinitionError(f"Expected transports of {list(TRANSPORTS)}, got {list(names)}")
    return {name: TRANSPORTS[name] for name in names}
