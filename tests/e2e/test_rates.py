"""Peers that ask too often are told to wait, and closed when they do not, on both transports."""

import http.client
import re
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from django_vortex.server.pace import HEARING_SECONDS, MAX_IGNORED
from tests.e2e.peers import ReadingPeer
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[ServerProcess]:
    server = start_server(request.param, vortex={"REQUEST_RATES": {"peer": "3/h"}})
    yield server
    server.stop()


def spend(peer: ReadingPeer) -> None:
    """Ask as often as is allowed, and hear that it is enough."""
    for _ in range(3):
        peer.ask(key="e2e.echo")
        assert peer.wait_for("e2e.echo")["result"] is None
    peer.ask(key="e2e.echo")
    result = peer.wait_for("e2e.echo")["result"]
    assert result["error"] == "rate"
    assert 0 < result["retry_after"] <= 1200
    assert result["text"].startswith("Too many requests, try again in ")


@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_peer_over_its_rate_is_told_and_others_are_served(
    server: ServerProcess, transport: str
) -> None:
    peer = ReadingPeer(transport, server.port, f"eager-{transport}")
    other = ReadingPeer(transport, server.port, f"calm-{transport}")
    spend(peer)
    other.ask(key="e2e.echo")
    assert other.wait_for("e2e.echo")["result"] is None
    peer.close()
    other.close()


def test_peer_that_does_not_wait_is_closed_with_the_seconds(server: ServerProcess) -> None:
    peer = ReadingPeer("websocket", server.port, "stubborn")
    spend(peer)
    time.sleep(HEARING_SECONDS)
    with pytest.raises(ConnectionClosed) as closed:
        for _ in range(10 * MAX_IGNORED):
            peer.ask(key="e2e.echo")
            peer.wait_for("e2e.echo")
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4429, "60 s: Too many requests")
    target = "/vortex?vortexUuid=stubborn&vortexName=n&vortexDialect=native"
    with (
        connect(server.ws_url + target, proxy=None) as again,
        pytest.raises(ConnectionClosed) as no,
    ):
        again.recv(timeout=60)
    assert no.value.rcvd is not None
    assert no.value.rcvd.code == 4429
    told = r"\d+ s: You have asked too often, try again in \d+ s"
    assert re.fullmatch(told, no.value.rcvd.reason)
    peer.close()


def test_peer_over_http_that_does_not_wait_is_turned_away(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "stubborn-http")
    spend(peer)
    time.sleep(HEARING_SECONDS)
    peer.send(*({"filt": {"key": "e2e.echo"}, "data": None} for _ in range(MAX_IGNORED + 5)))
    for _ in peer.messages():
        pass  # up to the end of the response
    peer.close()
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    connection.request("POST", "/vortex?vortexUuid=stubborn-http&vortexName=n", b"")
    response = connection.getresponse()
    assert response.status == 503
    assert 0 < int(response.headers["Retry-After"]) <= 60
    response.read()
    connection.close()
