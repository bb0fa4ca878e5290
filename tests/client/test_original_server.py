"""The client against VortexPY's own server."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from django_vortex import Payload
from django_vortex.client import RemoteError, TimedOut, connect
from django_vortex.tuples import GenericTuple
from tests.support.ports import HOST, free_port, is_listening
from tests.support.processes import LoggedProcess
from tests.support.waiting import PATIENCE_SECONDS, wait_until


@pytest.fixture(scope="module")
def original_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tests.interop.originals.server_process", str(port), "old"]
    server = LoggedProcess(f"vortexpy-{port}", command, tmp_path_factory.mktemp("vortexpy"))
    server.start()
    wait_until(lambda: server.require_running() or is_listening(port), "VortexPY's server")
    yield f"ws://{HOST}:{port}/vortexws"
    server.stop()


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
