"""The synchronous client, in threads, notebooks, forks and at the end of programs."""

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from django_vortex import Payload
from django_vortex.client import Closed, NotConnected, connect_sync
from django_vortex.exceptions import HandlerError
from tests.support.fixtures import StartServer
from tests.support.ports import HOST, free_port
from tests.support.processes import ROOT, LoggedProcess
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS, wait_until

HEAD = """
import os, sys
from django_vortex.client import connect_sync
from django_vortex.wire.payload import Payload

url = sys.argv[1]
"""
FORK = """
with connect_sync(url, open_timeout=60) as vortex:
    assert vortex.call("e2e.echo", tuples=["parent"], timeout=60).tuples == ["parent"]
    child = os.fork()
    if not child:
        assert vortex.call("e2e.echo", tuples=["child"], timeout=60).tuples == ["child"]
        vortex.close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert vortex.call("e2e.echo", tuples=["parent"], timeout=60).tuples == ["parent"]
print("done")
"""
SEND_AND_END = """
vortex = connect_sync(url, open_timeout=60)
vortex.send(Payload({"key": "e2e.nobody", "last": "word"}))
print("done")
"""


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> ServerProcess:
    return start_server("uvicorn")


@pytest.fixture(scope="module")
def url(server: ServerProcess) -> str:
    return f"{server.ws_url}/vortex"


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "vortex-client"]


def test_verbs_wait(url: str, server: ServerProcess) -> None:
    with connect_sync(url, name="sync", open_timeout=60) as vortex, vortex.on("e2e.pushed") as on:
        assert vortex.call("e2e.echo", tuples=[1], timeout=60).tuples == [1]
        with pytest.raises(HandlerError, match="Not on a Sunday"):
            vortex.call("e2e.refusal", timeout=60)
        vortex.send(Payload({"key": "e2e.nobody"}))
        vortex.flush(60)
        server.push(count=2, to_name="sync", wait=1)
        assert [next(on).tuples, next(on).tuples] == [[0], [1]]
    with pytest.raises(Closed):
        vortex.call("e2e.echo")
    vortex.close()
    assert threads() == []


def test_failed_connection_leaves_no_thread() -> None:
    with pytest.raises(NotConnected):
        connect_sync(f"ws://{HOST}:{free_port()}/vortex", open_timeout=0.2)
    assert threads() == []


async def test_G11_running_loop_is_no_obstacle(url: str) -> None:
    assert asyncio.get_running_loop()
    with connect_sync(url, open_timeout=60) as vortex:
        assert vortex.call("e2e.echo", tuples=[1], timeout=60).tuples == [1]


def test_G11_many_threads_share_a_client(url: str) -> None:
    with connect_sync(url, open_timeout=60) as vortex:
        answers: list[object] = []

        def use(number: int) -> None:
            answers.extend(vortex.call("e2e.echo", tuples=[number], timeout=60).tuples)

        users = [threading.Thread(target=use, args=(number,)) for number in range(20)]
        for user in users:
            user.start()
        for user in users:
            user.join(PATIENCE_SECONDS)
        assert sorted(answers) == list(range(20))  # type: ignore[type-var]


@pytest.mark.parametrize("program", [FORK, SEND_AND_END], ids=["fork", "send-and-end"])
def test_G11_programs_end(url: str, tmp_path: Path, program: str, server: ServerProcess) -> None:
    path = tmp_path / "program.py"
    path.write_text(HEAD + program)
    command = [sys.executable, str(path), url]
    process = LoggedProcess("program", command, tmp_path, {"PYTHONPATH": str(ROOT)})
    process.start()
    assert process.wait(seconds=PATIENCE_SECONDS) == 0, process.log
    assert process.log.splitlines()[-1] == "done", process.log
    wait_until(lambda: server.stats()["peers"] == 0, "the end of all streams")
