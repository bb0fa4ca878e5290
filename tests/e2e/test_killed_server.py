"""A server that is killed under many clients: all go on at the other one, and nobody is refused."""

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from django_vortex.client import Client, connect
from tests.chaos.stage import open_servers
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

CLIENTS = 2000
AT_ONCE = 50
VORTEX = {"HEARTBEAT_SECONDS": 2.0}
FILT = {"key": "e2e.watched", "prefix": "killed"}


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[ServerProcess]]:
    """Two servers with a Redis between them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    with open_servers(tmp_path, VORTEX, ("uvicorn", "uvicorn")) as servers:
        yield servers
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def follow(client: Client, shown: dict[Client, Any]) -> None:
    """Watch for as long as the task lives."""
    async with client.watch(FILT) as watch:
        async for answer in watch:
            shown[client] = list(answer)


def lead_to(client: Client, server: ServerProcess) -> None:
    """Do what a load balancer does."""
    driver = client._driver
    url = driver._target.url
    driver._target = replace(
        driver._target, url=url._replace(netloc=f"{url.hostname}:{server.port}")
    )


async def test_all_clients_of_a_killed_server_go_on_at_another(
    servers: list[ServerProcess],
) -> None:
    first, second = servers
    shown: dict[Client, Any] = {}
    async with AsyncExitStack() as stack:
        clients: list[Client] = []
        for _ in range(CLIENTS // AT_ONCE):
            opened = [
                connect(f"{first.ws_url}/vortex", open_timeout=3 * PATIENCE_SECONDS)
                for _ in range(AT_ONCE)
            ]
            clients += await asyncio.gather(*map(stack.enter_async_context, opened))
        following = [asyncio.create_task(follow(one, shown)) for one in clients]
        writer = await stack.enter_async_context(
            connect(f"{second.ws_url}/vortex", open_timeout=PATIENCE_SECONDS)
        )
        change = {"key": "e2e.change_watched", "prefix": "killed"}
        await writer.call(change, tuples=[["create", "a"]], timeout=PATIENCE_SECONDS)
        try:
            async with asyncio.timeout(5 * PATIENCE_SECONDS):
                while sum(len(rows) == 1 for rows in shown.values()) < CLIENTS:
                    await asyncio.sleep(0.1)
                await asyncio.to_thread(first.kill)
                began = time.monotonic()
                for one in clients:
                    lead_to(one, second)
                await writer.call(change, tuples=[["create", "b"]], timeout=PATIENCE_SECONDS)
                fresh = list((await writer.call(FILT, timeout=PATIENCE_SECONDS)).tuples)
                while any(shown[one] != fresh for one in clients):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            late = sum(one not in shown or len(shown[one]) < 2 for one in clients)
            pytest.fail(f"{late} of {CLIENTS} clients do not see what is: {clients[0]!r}")
        print(f"all were shown everything after {time.monotonic() - began:.1f} s")
        assert all(one.is_online for one in clients)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in clients))
