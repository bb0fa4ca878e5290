"""The client against VortexPY's own server."""

import asyncio

import pytest

from django_vortex import NotFound, Payload
from django_vortex.client import RemoteError, TimedOut, connect
from django_vortex.tuples import GenericTuple
from tests.support.ports import HOST
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture
def original_url(original_port: int) -> str:
    return f"ws://{HOST}:{original_port}/vortexws"


async def test_original_server_answers_and_fails(original_url: str) -> None:
    async with connect(original_url, vortexpy=True, open_timeout=60) as vortex:
        sample = GenericTuple("e2e.Sample", {"number": 5, "text": "ä"})
        reply = await vortex.call("e2e.echo", tuples=[1, "two", sample], timeout=60)
        assert reply.tuples[:2] == [1, "two"]
        assert reply.tuples[2].type_name == "e2e.Sample"
        assert reply.tuples[2].text == "ä"
        with pytest.raises(RemoteError, match="as asked for"):
            await vortex.call("e2e.fault", timeout=60)
        with pytest.raises(TimedOut):
            await vortex.call("nobody.home", timeout=0.5)


async def test_original_server_is_sent_to_and_heard(original_url: str) -> None:
    async with (
        connect(original_url, vortexpy=True, open_timeout=60) as vortex,
        vortex.on("nobody") as echoes,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        await vortex.send(Payload({"key": "nobody", "rapuiServerEcho": True}, tuples=[1]))
        await vortex.flush(timeout=60)
        assert (await anext(echoes)).tuples == [1]


async def test_F2_loader_edits_a_row_of_the_original_server(original_url: str) -> None:
    async with connect(original_url, vortexpy=True, open_timeout=60) as vortex:
        filt = {"key": "e2e.rows", "id": 1}
        async with vortex.loader(filt) as row:
            assert row.row.title == "Old"
            row.row.title = "New"
            assert row.is_changed
            assert (await row.save(timeout=60)).title == "New"
            assert not row.is_changed
            assert row.row.state == "open", "nothing of what was not changed is lost"
        async with vortex.loader(filt) as again:
            assert (again.row.title, again.row.state) == ("New", "open")
            await again.delete(timeout=60)
            assert again.row is None
        with pytest.raises(NotFound):
            await vortex.loader(filt).load(timeout=60)
        (made,) = (await vortex.call("e2e.rows", timeout=60)).tuples
        made.title, made.state = "Made", "open"
        (stored,) = (await vortex.call("e2e.rows", tuples=[made], timeout=60)).tuples
        assert stored.id is not None
        assert (await vortex.loader({**filt, "id": stored.id}).load(timeout=60)).title == "Made"
