"""A project with a synchronous middleware and ``ATOMIC_REQUESTS`` has its vortex all the same."""

import pytest

from tests.e2e.app.pushing import KEY
from tests.e2e.peers import ReadingPeer, decode_tuples, log_in
from tests.interop.wires import HttpWire
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

STREAMS = 50


@pytest.fixture(scope="module", params=["uvicorn", "daphne", "runserver"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param, env={"E2E_OLD_PROJECT": "1"})


def test_idle_streams_hold_no_thread_and_no_database_connection(server: ServerProcess) -> None:
    cookie = log_in(server, "ann")
    before = server.stats()
    peers = [
        ReadingPeer("http", server.port, f"idle-{number}", headers={"Cookie": cookie})
        for number in range(STREAMS)
    ]
    for peer in peers:
        assert isinstance(peer.wire, HttpWire)
        assert peer.wire.response.headers["X-Marked-For"] == "ann"
    now = wait_until(
        lambda: (stats := server.stats())["threads"] <= before["threads"] + 2 and stats,
        "the threads of the requests to end",
    )
    assert now["peers"] >= STREAMS
    assert now["database_connections"] <= before["database_connections"]
    server.push(to_name="reader", first=7)
    for peer in peers:
        assert decode_tuples(peer.wait_for(KEY)) == [7]
        peer.close()


@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_handlers_answer(server: ServerProcess, transport: str) -> None:
    peer = ReadingPeer(transport, server.port, f"asking-{transport}")
    for key in ("e2e.echo", "e2e.echo_sync", "airports.all"):
        peer.ask(key=key)
        assert peer.wait_for(key)["result"] is None
    peer.close()
