"""What a program does with the client, against real servers over both transports."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from django_vortex import Payload
from django_vortex.client import Client, Lost, NotConnected, Offline, Online, TimedOut, connect
from django_vortex.exceptions import (
    HandlerError,
    InternalError,
    NotFound,
    UnencodableValue,
    UnknownEndpoint,
    ValidationError,
)
from django_vortex.tuples import GenericTuple
from tests.support.fixtures import StartServer
from tests.support.ports import HOST, free_port
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS, eventually

VALUES = [None, True, 5, 1.5, "ä", b"\x00", Decimal("1.10"), date(2024, 1, 2), [1, {"a": 2}]]


def url_of(server: ServerProcess) -> str:
    return f"{server.ws_url}/vortex"


async def test_call_gives_the_payload_of_the_reply(server: ServerProcess, transport: str) -> None:
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        reply = await vortex.call("e2e.echo", tuples=VALUES, timeout=60)
        assert reply.tuples == VALUES
        reply = await vortex.call({"key": "e2e.echo", "more": 1}, tuples=[], timeout=60)
        assert reply.filt["more"] == 1
        numbered = await vortex.call("e2e.slow_async", number=7, timeout=60)
        assert numbered.tuples == [7]


async def test_a_query_is_called_with_its_arguments(server: ServerProcess, transport: str) -> None:
    day = date(2024, 1, 2)
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        price = Decimal("1.10")
        reply = await vortex.call(
            "e2e.priced", day=day, price=price, unit="dozen", names=["a"], timeout=60
        )
        assert reply.tuples == [day, Decimal("2.20"), "dozen", ["a"]]
        assert (await vortex.call("e2e.first", start=7, timeout=60)).tuples == [7]
        with pytest.raises(ValidationError) as caught:
            await vortex.call("e2e.priced", day="2024-01-02", cont=2, timeout=60)
        assert {error["field"]: error["messages"] for error in caught.value.errors} == {
            "day": ["Expected `date`, got '2024-01-02'"],
            "cont": ["There is no such argument. Did you mean 'count'?"],
        }


async def test_calls_side_by_side_get_their_own_answers(
    server: ServerProcess, transport: str
) -> None:
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        calls = (
            vortex.call("e2e.slow_async", number=n, seconds=0.01, timeout=60) for n in range(40)
        )
        replies = await asyncio.gather(*calls)
        assert [reply.tuples for reply in replies] == [[n] for n in range(40)]


async def test_errors_of_the_server_have_their_class(server: ServerProcess, transport: str) -> None:
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        with pytest.raises(HandlerError, match="Not on a Sunday"):
            await vortex.call("e2e.refusal", timeout=60)
        with pytest.raises(InternalError) as caught:
            await vortex.call("e2e.fault", timeout=60)
        assert caught.value.reference
        with pytest.raises(UnknownEndpoint):
            await vortex.call("e2e.nobody", timeout=60)
        with pytest.raises(TimedOut, match=r"'e2e.slow_async' within 0.2 s"):
            await vortex.call("e2e.slow_async", seconds=5, timeout=0.2)


async def test_F1_a_value_that_cannot_travel_is_the_callers_error(
    server: ServerProcess, transport: str
) -> None:
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        good = asyncio.create_task(vortex.call("e2e.echo", tuples=[1], timeout=60))
        with pytest.raises(UnencodableValue, match=r"\$\.tuples\[1\]"):
            await vortex.call("e2e.echo", tuples=[1, object()], timeout=60)
        with pytest.raises(UnencodableValue):
            await vortex.send(Payload({"key": "e2e.echo", "x": object()}))
        assert (await good).tuples == [1]
        assert vortex.is_online


async def test_on_hears_pushes_in_order(server: ServerProcess, transport: str) -> None:
    async with (
        connect(url_of(server), name="hearer", transports=[transport], open_timeout=60) as vortex,
        vortex.on({"key": "e2e.pushed"}) as pushes,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        await asyncio.to_thread(server.push, count=20, to_name="hearer", wait=1)
        heard = [await anext(pushes) for _ in range(20)]
        assert [push.tuples for push in heard] == [[n] for n in range(20)]
        assert heard[0].filt == {"key": "e2e.pushed"}
        assert isinstance(heard[0].date, datetime)
        assert heard[0].date.tzinfo is UTC


async def test_send_is_delivered_when_flushed(server: ServerProcess, transport: str) -> None:
    async with (
        connect(url_of(server), transports=[transport], open_timeout=60) as vortex,
        vortex.on("e2e.nobody") as echoes,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        await vortex.send(Payload({"key": "e2e.nobody", "rapuiServerEcho": True}, tuples=[1]))
        await vortex.flush(timeout=60)
        assert (await anext(echoes)).tuples == [1]


async def test_events_tell_of_the_connection(server: ServerProcess, transport: str) -> None:
    async with (
        connect(url_of(server), transports=[transport], open_timeout=0) as vortex,
        vortex.events() as events,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        event = await anext(events)
        assert isinstance(event, Online)
        assert event.transport == transport


async def test_large_answer_arrives(server: ServerProcess, transport: str) -> None:
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        reply = await vortex.call("e2e.big", count=20, size=200_000, timeout=60)
        assert [len(text) for text in reply.tuples] == [200_000] * 20


async def test_no_server_is_an_error_with_its_reason() -> None:
    with pytest.raises(NotConnected, match="No connection within 1 s: "):
        async with connect(f"ws://{HOST}:{free_port()}/vortex", open_timeout=1):
            raise AssertionError("connected to nothing")


async def test_nothing_is_left_behind(server: ServerProcess, transport: str) -> None:
    before = asyncio.all_tasks()
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        await vortex.call("e2e.echo", timeout=60)
    assert asyncio.all_tasks() == before


async def test_client_comes_back_after_a_restart(start_server: StartServer, transport: str) -> None:
    server = start_server("uvicorn")
    async with (
        connect(url_of(server), transports=[transport], open_timeout=60) as vortex,
        vortex.events() as events,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        await vortex.call("e2e.echo", timeout=60)
        await asyncio.to_thread(server.kill)
        assert isinstance(await anext(events), Offline)
        waiting = asyncio.create_task(vortex.call("e2e.echo", tuples=["queued"], timeout=60))
        await asyncio.to_thread(server.restart)
        assert (await waiting).tuples == ["queued"]
        assert isinstance(await anext(events), Lost), "nobody has its session any more"
        assert isinstance(await anext(events), Online)
    await asyncio.to_thread(server.stop)


async def test_client_without_a_connection_waits_for_one() -> None:
    async with connect(f"ws://{HOST}:{free_port()}/vortex", open_timeout=0) as vortex:
        waiting = asyncio.create_task(vortex.call("e2e.echo", timeout=0.01))
        await eventually(lambda: len(vortex_tasks()) == 1, "the client's only task")
        await asyncio.sleep(0.3)
        assert not waiting.done()  # time without a connection does not count
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert isinstance(vortex, Client)


def vortex_tasks() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("vortex")]


async def test_F2_loader_saves_what_was_changed(server: ServerProcess, transport: str) -> None:
    async with connect(url_of(server), transports=[transport], open_timeout=60) as vortex:
        (made,) = (
            await vortex.call(
                "e2e.django", tuples=[GenericTuple("e2e.django", {"title": "Old"})], timeout=60
            )
        ).tuples
        filt = {"key": "e2e.django", "id": made.id}
        async with vortex.loader(filt) as ticket:
            assert ticket.row.title == "Old"
            assert not ticket.is_changed
            ticket.row.title = "New"
            assert ticket.is_changed
            stored = await ticket.save(timeout=60)
            assert stored.title == "New"
            assert not ticket.is_changed
            await ticket.delete(timeout=60)
        with pytest.raises(NotFound):
            await vortex.loader(filt).load(timeout=60)
