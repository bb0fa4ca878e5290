"""Observers of released clients in random runs, each in a process of its own."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django_vortex.client import Client
from tests.interop.originals.driver import Observing, OriginalClient
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import PATIENCE_SECONDS

OBSERVABLE: Final = "example"
QUERIES: Final = ("e2e.watched_fragile", "e2e.watched_count")


@dataclass
class ReleasedViewer:
    """What an observer of a released client is shown of one query.

    Attributes:
        observing: The observer.
        filt: The query in our own dialect.
        kind: The transport.
        text: What the observer was told to ask with.
    """

    observing: Observing
    filt: dict[str, str]
    kind: str
    text: str = ""

    async def subscribe(self) -> None:
        """Begin to observe, or ask again for what is observed already."""
        key, prefix = self.filt["key"], self.filt["prefix"]
        self.text = await asyncio.to_thread(self.observing.subscribe, key, prefix=prefix)

    async def compare(self, fresh: Client) -> str:
        """Return how the newest answer differs from what is answered now, "" if it does not.

        Over HTTP it is asked for again then, as programs have to: the library does not notice that
        a server has ended, and loses what it has decoded before the info (PROTOCOL 6.7).
        """
        reply = await fresh.call(self.filt, timeout=PATIENCE_SECONDS)
        expected = list(reply.tuples)
        [shown] = (await asyncio.to_thread(self.observing.seen, self.text))[-1:] or [None]
        if shown == expected:
            return ""
        if self.kind == "http":
            await self.subscribe()
        return f"over {self.kind} shown {shown!r}, answered {expected!r}"


@asynccontextmanager
async def observing(
    source: random.Random, proxies: list[TcpProxy], directory: Path
) -> AsyncIterator[list[ReleasedViewer]]:
    """Let VortexPY observe, over each of its transports."""
    clients: list[OriginalClient] = []
    viewers: list[ReleasedViewer] = []
    try:
        for kind in ("websocket", "http"):
            client = OriginalClient(kind, source.choice(proxies).port, directory, name=kind)
            clients.append(client)
            await asyncio.to_thread(client.start)
            await asyncio.to_thread(client.connect)
            observer = await asyncio.to_thread(client.observe, OBSERVABLE)
            for key in QUERIES:
                filt = {"key": key, "prefix": source.choice("ab")}
                viewer = ReleasedViewer(observer, filt, kind)
                await viewer.subscribe()
                viewers.append(viewer)
        yield viewers
    finally:
        for client in clients:
            await asyncio.to_thread(client.stop)
