"""Ctrl-C in a program that uses the client."""

import signal
import sys
from pathlib import Path

import pytest

from tests.support.fixtures import StartServer
from tests.support.ports import HOST, free_port
from tests.support.processes import ROOT, LoggedProcess
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

PROGRAM = """
import asyncio, sys
from django_vortex.client import connect


async def main(url, where):
    print("begun", flush=True)
    async with connect(url, open_timeout=None if where == "connect" else 0) as vortex:
        if where == "idle":
            await vortex.wait_online()
            print("idle", flush=True)
        await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> ServerProcess:
    return start_server("uvicorn")


@pytest.mark.parametrize("where", ["connect", "back-off", "idle"])
def test_G7_interrupt_ends_the_program(where: str, server: ServerProcess, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    url = f"ws://{HOST}:{server.port if where == 'idle' else free_port()}/vortex"
    command = [sys.executable, "-X", "dev", str(path), url, where]
    process = LoggedProcess("program", command, tmp_path, {"PYTHONPATH": str(ROOT)})
    process.start()
    process.wait_for_log("idle" if where == "idle" else "begun")
    assert process.process is not None
    process.process.send_signal(signal.SIGINT)
    assert process.wait(seconds=PATIENCE_SECONDS) in (130, -signal.SIGINT), process.log
    assert process.log.rstrip().endswith("KeyboardInterrupt"), process.log
    assert "Warning" not in process.log
    assert "never retrieved" not in process.log
