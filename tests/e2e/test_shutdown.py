"""Servers end when they are told to, and tell their peers."""

import signal

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.e2e.peers import ReadingPeer, StalledPeer
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

servers = pytest.mark.parametrize("server_kind", ["uvicorn", "daphne", "runserver"])
signals = pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name
)
FORCED = -signal.SIGKILL
SHUTDOWN_SECONDS = 60.0
"""Longer than the test waits: whoever uses all of it fails."""


@servers
@signals
def test_signal_ends_streams_and_server(
    server_kind: str, number: signal.Signals, start_server: StartServer
) -> None:
    server = start_server(server_kind, vortex={"SHUTDOWN_SECONDS": SHUTDOWN_SECONDS})
    streams = [ReadingPeer("http", server.port, f"http-{index}") for index in range(10)]
    url = f"{server.ws_url}/vortex?vortexUuid=socket&vortexName=n"
    with connect(url, proxy=None) as websocket:
        websocket.recv()
        assert server.process is not None
        server.process.send_signal(number)
        for stream in streams:  # each response ends as HTTP wants it, or reading would raise
            assert [one for one in stream.messages() if one is not None] == []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                websocket.recv()
        assert closed.value.rcvd is not None, "There was no close frame"
        assert closed.value.rcvd.code == 1000
    assert server.wait() != FORCED
    for stream in streams:
        stream.close()


@servers
@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_peer_that_never_reads_does_not_keep_the_server_from_ending(
    server_kind: str, transport: str, start_server: StartServer
) -> None:
    server = start_server(server_kind, vortex={"SHUTDOWN_SECONDS": 1.0})
    stalled = StalledPeer(transport, server.port, "stalled")
    server.get_json("/e2e/flood", count=40, size=48 * 1024)
    assert server.stop() != FORCED
    stalled.close()


@pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
def test_request_that_runs_is_answered_before_the_end(
    server_kind: str, start_server: StartServer
) -> None:
    server = start_server(server_kind, vortex={"SHUTDOWN_SECONDS": SHUTDOWN_SECONDS})
    peer = ReadingPeer("websocket", server.port, "asking")
    peer.ask(key="e2e.slow_async", seconds=0.5, number=7)
    peer.ask(key="e2e.echo")
    peer.wait_for("e2e.echo")  # so the other one has begun
    assert server.process is not None
    server.process.terminate()
    assert peer.wait_for("e2e.slow_async")["result"] is None
    assert server.wait() != FORCED
    peer.close()


@pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
def test_second_signal_ends_the_server_at_once(server_kind: str, start_server: StartServer) -> None:
    server = start_server(server_kind, vortex={"SHUTDOWN_SECONDS": SHUTDOWN_SECONDS})
    peer = ReadingPeer("websocket", server.port, "asking")
    peer.ask(key="e2e.slow_async", seconds=300, number=7)
    peer.ask(key="e2e.echo")
    peer.wait_for("e2e.echo")
    assert server.process is not None
    server.process.terminate()
    wait_until(lambda: is_refused(peer), "the first signal to come through")
    server.process.terminate()
    assert server.wait() != FORCED
    peer.close()


def is_refused(peer: ReadingPeer) -> bool:
    peer.ask(key="e2e.echo")
    return "shutting down" in str(peer.wait_for("e2e.echo")["result"])


def test_autoreloader_ends_as_well(start_server: StartServer, database: object) -> None:
    """Its loop runs beside the main thread, where no signal handlers can be set."""
    server = start_server("runserver")
    server.stop()
    server.command = [one for one in server.command if one != "--noreload"]
    server.restart()
    peer = ReadingPeer("http", server.port, "reloading")
    assert server.stop() != FORCED
    peer.close()
    wait_until(lambda: not is_answering(server), "the child of the autoreloader to end")


def is_answering(server: ServerProcess) -> bool:
    try:
        return bool(server.stats())
    except (OSError, AssertionError):
        return False


def test_uvicorn_with_workers_ends_as_well(start_server: StartServer) -> None:
    server = start_server("uvicorn", arguments=["--workers", "2"])
    streams = [ReadingPeer("http", server.port, f"worker-{index}") for index in range(8)]
    assert server.process is not None
    server.process.terminate()
    for stream in streams:
        assert [one for one in stream.messages() if one is not None] == []
        stream.close()
    assert server.wait() != FORCED
