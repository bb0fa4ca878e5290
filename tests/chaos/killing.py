"""A server that is killed under many clients, each of which watches something.

Takes two servers, gives the seconds from the kill until all clients are shown what a fresh query
gives at the other server.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from django_vortex.client import Client, connect
from django_vortex.client.core import Core
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

CLIENTS: Final = 2000
VORTEX: Final = {"HEARTBEAT_SECONDS": 2.0}

_AT_ONCE: Final = 50
_FILT: Final = {"key": "e2e.watched", "prefix": "killed"}
_CHANGE: Final = {"key": "e2e.change_watched", "prefix": "killed"}


async def run(
    servers: Sequence[ServerProcess], *, clients: int = CLIENTS, has_sessions: bool = True
) -> float:
    """Kill the first of two servers and lead its clients to the other one.

    Args:
        servers: Both are up; the first is down afterwards.
        clients: How many.
        has_sessions: Whether they have sessions.

    Raises:
        TimeoutError: Some clients were not shown what they watch, here or there.
    """
    with nullcontext() if has_sessions else patch.object(Core, "say_session", None):
        return await _run(servers, clients)


async def _run(servers: Sequence[ServerProcess], count: int) -> float:
    first, second = servers
    shown: dict[Client, Any] = {}
    async with AsyncExitStack() as stack:
        clients: list[Client] = []
        while len(clients) < count:
            opened = [
                connect(f"{first.ws_url}/vortex", open_timeout=3 * PATIENCE_SECONDS)
                for _ in range(_AT_ONCE)
            ]
            clients += await asyncio.gather(*map(stack.enter_async_context, opened))
        following = [asyncio.create_task(_follow(one, shown)) for one in clients]
        writer = await stack.enter_async_context(
            connect(f"{second.ws_url}/vortex", open_timeout=PATIENCE_SECONDS)
        )
        await writer.call(_CHANGE, tuples=[["create", "a"]], timeout=PATIENCE_SECONDS)
        async with asyncio.timeout(5 * PATIENCE_SECONDS):
            await _wait_until_all_see(clients, shown, writer)
            await asyncio.to_thread(first.kill)
            began = time.monotonic()
            for one in clients:
                _lead_to(one, second)
            await writer.call(_CHANGE, tuples=[["create", "b"]], timeout=PATIENCE_SECONDS)
            await _wait_until_all_see(clients, shown, writer)
        seconds = time.monotonic() - began
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in clients))
    return seconds


async def _wait_until_all_see(
    clients: Sequence[Client], shown: dict[Client, Any], writer: Client
) -> None:
    """Wait until all are online and are shown what a fresh query gives."""
    fresh = list((await writer.call(_FILT, timeout=PATIENCE_SECONDS)).tuples)
    while not all(one.is_online and shown.get(one) == fresh for one in clients):
        await asyncio.sleep(0.1)


async def _follow(client: Client, shown: dict[Client, Any]) -> None:
    """Watch for as long as the task lives."""
    async with client.watch(_FILT) as watch:
        async for answer in watch:
            shown[client] = list(answer)


def _lead_to(client: Client, server: ServerProcess) -> None:
    """Do what a load balancer does."""
    driver = client._driver
    url = driver._target.url
    driver._target = replace(
        driver._target, url=url._replace(netloc=f"{url.hostname}:{server.port}")
    )
