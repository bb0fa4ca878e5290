"""Requests that are taken back from another process than the one they run in."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from django_vortex import Payload
from django_vortex.client import Client, connect
from django_vortex.wire.reserved import CANCEL_KEY, CANCELLED_ID, MESSAGE_ID
from tests.e2e.projects import Project
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS, eventually, wait_until

HOUR = 3600
BEGUN = {"begun": 1, "cancelled": 0, "done": 0}
CANCELLED = {"begun": 1, "cancelled": 1, "done": 0}


def fate(server: ServerProcess, label: str) -> dict[str, int]:
    told: dict[str, int] = server.get_json("/e2e/works", label=label)
    return told


async def wait_for_fate(server: ServerProcess, label: str, what: dict[str, int]) -> None:
    async def has_come() -> bool:
        return await asyncio.to_thread(fate, server, label) == what

    await eventually(has_come, f"{label} to be {what}")


def work(vortex: Client, key: str, label: str) -> asyncio.Task[Payload]:
    return asyncio.create_task(vortex.call(key, label=label, seconds=HOUR, timeout=None))


@pytest.mark.parametrize("key", ["e2e.works_async", "e2e.works_sync"])
async def test_call_is_cancelled_by_a_post_to_another_process(project: Project, key: str) -> None:
    async with tcp_proxy(project.a.port) as proxy:
        options: dict[str, Any] = {"transports": ["http"], "open_timeout": PATIENCE_SECONDS}
        async with connect(proxy.url, **options) as vortex:
            first, second = work(vortex, key, "first"), work(vortex, key, "second")
            await wait_for_fate(project.a, "first", BEGUN)
            await wait_for_fate(project.a, "second", BEGUN)
            proxy.target = project.b.port
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await wait_for_fate(project.a, "first", CANCELLED)
            assert fate(project.a, "second") == BEGUN
            proxy.target = project.a.port  # where it comes from, to another connection
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
            await wait_for_fate(project.a, "second", CANCELLED)
            reply = await vortex.call("e2e.echo", tuples=["still here"], timeout=PATIENCE_SECONDS)
            assert reply.tuples == ["still here"]
    for server in (project.a, project.b):
        assert "unknown kind" not in server.log
        assert "Traceback" not in server.log


def test_other_peers_cancel_nothing(project: Project) -> None:
    """Whatever they know: the peer's own uuid at another process, if they are somebody else."""
    status, body = project.a.get("/e2e/login", username="carla")
    assert status == 200
    mine, cookie = str(uuid.uuid4()), {"Cookie": f"sessionid={json.loads(body)['session']}"}
    peer = project.open(project.a, "http", mine, headers=cookie)
    filt = {"key": "e2e.works_async", "label": "mine", "seconds": HOUR, MESSAGE_ID: "1"}
    peer.send({"filt": filt})
    wait_until(lambda: fate(project.a, "mine") == BEGUN, "the request to begin")
    cancellation = {"filt": {"key": CANCEL_KEY, CANCELLED_ID: "1"}}
    for thief in (project.open(project.b, "http"), project.open(project.b, "http", mine)):
        thief.send(cancellation)
    watcher = project.open(project.a)
    wait_until(lambda: watcher.is_reached_by(project.b), "A to have read what B told before")
    assert fate(project.a, "mine") == BEGUN
    mover = project.open(project.b, "http", mine, headers=cookie)
    mover.send(cancellation)
    wait_until(lambda: fate(project.a, "mine") == CANCELLED, "the request to end")
