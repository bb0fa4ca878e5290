"""Real servers of each kind for the tests of the Python client: see `tests.support.fixtures`."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

import pytest
import pytest_asyncio

from tests.support.far_end import FarEnd
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import StartServer
from tests.support.ports import free_port, is_listening
from tests.support.processes import LoggedProcess
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.waiting import wait_until


@pytest.fixture(params=["websocket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def original_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """VortexPY's own server."""
    port = free_port()
    command = [sys.executable, "-m", "tests.interop.originals.server_process", str(port), "old"]
    server = LoggedProcess(f"vortexpy-{port}", command, tmp_path_factory.mktemp("vortexpy"))
    server.start()
    wait_until(lambda: server.require_running() or is_listening(port), "VortexPY's server")
    yield port
    server.stop()


@pytest_asyncio.fixture
async def proxy(server: ServerProcess) -> AsyncIterator[TcpProxy]:
    """A proxy before the server that takes orders."""
    async with tcp_proxy(server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def port_of(start_server: StartServer) -> Callable[[str], int]:
    """Start each kind of our server when a test of the module first needs it."""
    return cache(lambda kind: start_server(kind).port)


@pytest_asyncio.fixture(
    params=["uvicorn-websocket", "uvicorn-http", "daphne-websocket", "daphne-http", "vortexpy"]
)
async def far_end(request: pytest.FixtureRequest) -> AsyncIterator[FarEnd]:
    """Servers of all kinds, the original one too, behind a proxy."""
    kind, _, transport = request.param.partition("-")
    if kind == "vortexpy":
        port, path = request.getfixturevalue("original_port"), "vortexws"
        options: dict[str, Any] = {"vortexpy": True}
    else:
        port, path = request.getfixturevalue("port_of")(kind), "vortex"
        options = {"transports": [transport]}
    async with tcp_proxy(port, path) as proxy:
        yield FarEnd(proxy, options)
