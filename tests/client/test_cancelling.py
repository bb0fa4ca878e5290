"""Requests that are taken back, on their way through real servers."""

import asyncio
from typing import Any

import pytest

from django_vortex import Payload
from django_vortex.client import Client, TimedOut, connect
from django_vortex.tuples import GenericTuple
from django_vortex.wire.reserved import CANCEL_KEY, CANCELLED_ID
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS, eventually

HOUR = 3600


def options(transport: str) -> dict[str, Any]:
    return {"transports": [transport], "open_timeout": PATIENCE_SECONDS}


def work(vortex: Client, key: str, label: str, **more: Any) -> asyncio.Task[Payload]:
    filt = {"key": key, "label": label, "seconds": HOUR, **more}
    return asyncio.create_task(vortex.call(filt, timeout=None))


async def fate(vortex: Client, label: str) -> dict[str, int]:
    told: dict[str, int] = (await vortex.call("e2e.works_how", label=label, timeout=60)).tuples[0]
    return told


async def wait_for_fate(vortex: Client, label: str, what: str) -> None:
    async def has_come() -> bool:
        return bool((await fate(vortex, label))[what])

    await eventually(has_come, f"{label} to be {what}")


async def cancel(task: asyncio.Task[Payload]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("key", ["e2e.works_async", "e2e.works_sync"])
async def test_cancelled_call_ends_its_handler(
    server: ServerProcess, transport: str, key: str
) -> None:
    label = f"{server.kind}-{transport}-{key}"
    async with connect(f"{server.ws_url}/vortex", **options(transport)) as vortex:
        first, other = work(vortex, key, label), work(vortex, key, f"{label}-other")
        await wait_for_fate(vortex, label, "begun")
        await wait_for_fate(vortex, f"{label}-other", "begun")
        await cancel(first)
        await wait_for_fate(vortex, label, "cancelled")
        assert await fate(vortex, f"{label}-other") == {"begun": 1, "cancelled": 0, "done": 0}
        await cancel(other)
        await wait_for_fate(vortex, f"{label}-other", "cancelled")


@pytest.mark.parametrize("key", ["e2e.works_async", "e2e.works_sync"])
async def test_deadline_ends_the_handler(server: ServerProcess, transport: str, key: str) -> None:
    label = f"late-{server.kind}-{transport}-{key}"
    async with connect(f"{server.ws_url}/vortex", **options(transport)) as vortex:
        seconds = 0.25
        while not (await fate(vortex, label))["begun"]:  # it may be late before it is written
            seconds *= 2
            with pytest.raises(TimedOut):
                await vortex.call(key, label=label, seconds=HOUR, timeout=seconds)
        await wait_for_fate(vortex, label, "cancelled")


async def test_nothing_is_answered_afterwards(server: ServerProcess, transport: str) -> None:
    label = f"stubborn-{server.kind}-{transport}"
    async with connect(f"{server.ws_url}/vortex", **options(transport)) as vortex:
        heard: list[object] = []
        vortex._core.listeners.deliver = heard.append  # type: ignore[method-assign, assignment]
        stubborn = work(vortex, "e2e.works_async", label, stubborn=True)
        await wait_for_fate(vortex, label, "begun")
        await cancel(stubborn)
        await wait_for_fate(vortex, label, "cancelled")
        assert heard == []


async def test_cancelling_what_is_unknown_over_or_of_another_is_nothing(
    server: ServerProcess, transport: str
) -> None:
    label = f"mine-{server.kind}-{transport}"
    url = f"{server.ws_url}/vortex"
    async with (
        connect(url, **options(transport)) as vortex,
        connect(url, **options(transport)) as other,
    ):
        mine = work(vortex, "e2e.works_async", label)
        await wait_for_fate(vortex, label, "begun")
        done = (await vortex.call("e2e.works_how", label=label, timeout=60)).tuples[1]
        running = next(iter(vortex._core.requests._waiting))
        for sender, wrong in [
            (other, running),
            (vortex, done),
            *((vortex, one) for one in ("nobody", 5, None, [], {"a": 1}, running.upper() + "x")),
        ]:
            await sender.send(Payload({"key": CANCEL_KEY, CANCELLED_ID: wrong}))
        await vortex.send(Payload({"key": CANCEL_KEY}, tuples=[object.__name__]))
        assert await fate(other, label) == {"begun": 1, "cancelled": 0, "done": 0}
        assert await fate(vortex, label) == {"begun": 1, "cancelled": 0, "done": 0}
        await cancel(mine)
        await wait_for_fate(other, label, "cancelled")


async def test_waiting_requests_are_taken_out(start_server: StartServer, transport: str) -> None:
    """Also where a peer is at its limit: what cancels is read then, too."""
    server = start_server("uvicorn", vortex={"MAX_REQUESTS_IN_FLIGHT": 1})
    url = f"{server.ws_url}/vortex"
    async with (
        connect(url, **options(transport)) as vortex,
        connect(url, **options(transport)) as other,
    ):
        first = work(vortex, "e2e.works_async", f"{transport}-1")
        await wait_for_fate(other, f"{transport}-1", "begun")
        second, third = (work(vortex, "e2e.works_async", f"{transport}-{n}") for n in (2, 3))
        await vortex.flush(60)
        await cancel(second)
        await cancel(first)
        await wait_for_fate(other, f"{transport}-1", "cancelled")
        await wait_for_fate(other, f"{transport}-3", "begun")
        assert (await fate(other, f"{transport}-2"))["begun"] == 0
        await cancel(third)
    await asyncio.to_thread(server.stop)


@pytest.mark.parametrize("key", ["e2e.django", "e2e.sqlalchemy"])
async def test_writes_that_are_cancelled_happen_as_a_whole_or_not_at_all(
    server: ServerProcess, transport: str, key: str
) -> None:
    async with connect(f"{server.ws_url}/vortex", **options(transport)) as vortex:
        rows = (await vortex.call(key, timeout=60)).tuples[:5]
        for turn in range(20):
            wanted = [GenericTuple(key, {"id": row.id, "title": f"{turn}"}) for row in rows]
            saving = asyncio.create_task(vortex.call(key, tuples=wanted, timeout=60))
            for _ in range(turn):
                await asyncio.sleep(0.002)
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)

        async def titles() -> list[str]:
            found = (await vortex.call(key, timeout=60)).tuples
            return [row.title for row in found if row.id in {one.id for one in rows}]

        now, before = await titles(), []
        while now != before:  # what was begun may end after its cancellation
            await asyncio.sleep(0.3)
            now, before = await titles(), now
        assert len(now) == 5
        assert len(set(now)) == 1
        last = [GenericTuple(key, {"id": rows[0].id, "title": "last"})]
        assert (await vortex.call(key, tuples=last, timeout=60)).tuples[0].title == "last"
    assert "Traceback" not in server.log
