"""The drivers against VortexPY's own server: what fails here is not our server's fault."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.interop.conftest import StartOriginal
from tests.interop.originals.notation import TIMED_OUT
from tests.interop.samples import VALUES
from tests.support.ports import free_port, is_listening
from tests.support.processes import LoggedProcess
from tests.support.waiting import wait_until


@pytest.fixture
def original_server(tmp_path: Path) -> Iterator[int]:
    if find_spec("vortex") is None:
        pytest.skip("vortexpy is not installed: pip install 'vortexpy==6.2.2'")
    port = free_port()
    module = "tests.interop.originals.server_process"
    command = [sys.executable, "-m", module, str(port), "the-original"]
    server = LoggedProcess(f"vortexpy-server-{port}", command, tmp_path)
    server.start()
    wait_until(lambda: server.require_running() or is_listening(port), "VortexPY's server")
    yield port
    server.stop()


def test_driver_talks_to_the_original_server(
    original_server: int, start_original: StartOriginal
) -> None:
    client = start_original("websocket", original_server)
    state = client.connect()
    assert [name for name, _ in state["servers"]] == ["the-original"]

    echoed = client.request({"key": "e2e.echo"}, tuples=VALUES)
    assert echoed.failure is None
    assert echoed.tuples == VALUES
    assert echoed.tuples[0].class_name == "SampleTuple"

    failed = client.request({"key": "e2e.fault"})
    assert failed.failure is not None
    assert "as asked for" in failed.failure

    echoes = client.listen({"key": "nobody listens"})
    client.send({"key": "nobody listens", "rapuiServerEcho": True}, tuples=[1])
    (echo,) = echoes.wait_for(1)
    assert echo.filt == {"key": "nobody listens"}
    assert echo.tuples == [1]

    assert client.request({"key": "nobody.home"}, timeout=1).failure == TIMED_OUT
