"""`connect_sync` where programs of others run it: preloaded web workers, notebooks."""

import http.client
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from tests.support.fixtures import StartServer
from tests.support.ports import HOST, free_port, is_listening
from tests.support.processes import ROOT, LoggedProcess
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS, wait_until

WEB = """
import os
from django_vortex.client import connect_sync

vortex = connect_sync(os.environ["VORTEX_URL"], name="web", open_timeout=60)
assert vortex.call("e2e.echo", tuples=["preloaded"], timeout=60).tuples == ["preloaded"]


def application(environ, start_response):
    pid = str(os.getpid())
    assert vortex.call("e2e.echo", tuples=[pid], timeout=60).tuples == [pid]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(pid)))])
    return [pid.encode()]
"""
CELLS = [
    """
import asyncio
from django_vortex.client import connect, connect_sync

assert asyncio.get_running_loop().is_running()
vortex = connect_sync(URL, open_timeout=60)
print(vortex.call("e2e.echo", tuples=["first"], timeout=60).tuples)
""",
    """
print(vortex.call("e2e.echo", tuples=["second"], timeout=60).tuples)
""",
    """
async with connect(URL, open_timeout=60) as client:
    print((await client.call("e2e.echo", tuples=["third"], timeout=60)).tuples)
""",
    """
vortex.close()
import threading
print([one.name for one in threading.enumerate() if one.name == "vortex-client"])
""",
]


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> ServerProcess:
    return start_server("uvicorn")


def get(port: int) -> str:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read().decode()
        assert response.status == 200, body
        return body
    finally:
        connection.close()


def test_G11_preloaded_workers_connect_each_for_themselves(
    server: ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "web_of_test.py").write_text(WEB)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "4"]
    command += ["--bind", f"{HOST}:{port}", "--graceful-timeout", "30", "web_of_test:application"]
    environment = {
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "VORTEX_URL": f"{server.ws_url}/vortex",
    }
    gunicorn = LoggedProcess("gunicorn", command, tmp_path, environment)
    gunicorn.start()
    wait_until(lambda: gunicorn.require_running() or is_listening(port), "gunicorn")
    answered: set[str] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(answered) < 3 and time.monotonic() < deadline:
        answered.add(get(port))
    assert len(answered) >= 2, gunicorn.log
    assert str(gunicorn.pid) not in answered
    server.wait_for_peers(len(answered) + 1)  # and the parent's own
    assert gunicorn.stop() == 0, gunicorn.log
    assert "Traceback" not in gunicorn.log
    wait_until(lambda: server.stats()["peers"] == 0, "the end of all streams")


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Any]:
    """A notebook's kernel: code runs in its main thread, in a loop that runs already."""
    manager = KernelManager(kernel_name="python3")
    log = (tmp_path / "kernel.log").open("wb")
    manager.start_kernel(cwd=str(ROOT), stdout=log, stderr=log)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE_SECONDS)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        log.close()


def test_G11_notebook(server: ServerProcess, kernel: Any) -> None:
    printed: list[str] = []

    def take(message: dict[str, Any]) -> None:
        content = message["content"]
        printed.append(content.get("text") or "\n".join(content.get("traceback", [])))

    for cell in [f"URL = '{server.ws_url}/vortex'", *CELLS]:
        reply = kernel.execute_interactive(cell, timeout=PATIENCE_SECONDS, output_hook=take)
        assert reply["content"]["status"] == "ok", printed
    assert "".join(printed).splitlines()[-4:] == ["['first']", "['second']", "['third']", "[]"]
