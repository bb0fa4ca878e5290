"""What peers are told that may not connect, and what the servers make of it in their logs."""

import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.e2e.peers import ReadingPeer
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

SERVERS = {
    "uvicorn": ("uvicorn", []),
    "uvicorn-websockets": ("uvicorn", ["--ws", "websockets"]),
    "daphne": ("daphne", []),
}
TARGET = "/vortex?vortexUuid=page&vortexName=page"
NATIVE = "&vortexDialect=native"
COMPLAINTS = ("completing handshake", "sending handshake", "Exception in", "never retrieved")
"""What servers log of an application that did not end as it should."""


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[ServerProcess]:
    kind, arguments = SERVERS[request.param]
    throttle = {"THROTTLE_PEERS_PER_ADDRESS": 2, "THROTTLE_SECONDS": 1000.0}
    server = start_server(kind, arguments=arguments, vortex=throttle)
    yield server
    server.stop()
    assert not [one for one in COMPLAINTS if one in server.log], server.log


def find_end(server: ServerProcess, path: str, **headers: str) -> tuple[int, str]:
    """Return the status of a refused handshake, or how an accepted WebSocket was closed."""
    try:
        with connect(
            server.ws_url + path, additional_headers=headers, proxy=None, open_timeout=60
        ) as websocket:
            websocket.recv(timeout=60)
            return 101, ""
    except InvalidStatus as refused:
        return refused.response.status_code, ""
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code, closed.rcvd.reason


def status_of_released(server: ServerProcess, status: int) -> int:
    """Return what a handshake is refused with, 403 where the server has no other answer."""
    return 403 if server.kind == "daphne" else status


@pytest.mark.parametrize("target", [TARGET, TARGET + NATIVE])
def test_foreign_page_is_refused_before_any_accept(server: ServerProcess, target: str) -> None:
    assert find_end(server, target, Origin="https://evil.example")[0] == 403
    wait_until(lambda: "add the origin to VORTEX['ALLOWED_ORIGINS']" in server.log, "the log line")


def send_head(server: ServerProcess, head: str) -> bytes:
    with socket.create_connection((HOST, server.port), timeout=60) as client:
        client.sendall(head.encode())
        return client.recv(4096).partition(b"\r\n")[0]


UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def test_foreign_host_is_refused_on_both_transports(server: ServerProcess) -> None:
    host = "Host: evil.example\r\n"
    status = send_head(server, f"GET {TARGET} HTTP/1.1\r\n{host}{UPGRADE}\r\n").split()[1]
    assert int(status) == status_of_released(server, 400)
    status = send_head(
        server, f"POST {TARGET} HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"
    ).split()[1]
    assert int(status) == 400


def test_peer_without_uuid_hears_why(server: ServerProcess) -> None:
    code, reason = find_end(server, "/vortex?vortexName=n" + NATIVE)
    assert (code, reason.startswith("The URL needs vortexUuid")) == (4400, True)
    assert find_end(server, "/vortex?vortexName=n")[0] == status_of_released(server, 400)


@pytest.mark.parametrize("version", ["0", "", "none"])
def test_peer_that_is_too_old_hears_what_to_do(server: ServerProcess, version: str) -> None:
    target = f"/vortex?vortexUuid=old&vortexName=n{NATIVE}&vortexVersion={version}"
    code, reason = find_end(server, target)
    assert (code, reason.partition(";")[0]) == (
        *(4426, "update-required: update the client, or reload the page"),
    )
    head = f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n"
    assert send_head(server, head).split()[1] == b"426"


def test_stream_of_a_peer_that_turns_out_too_old_ends(server: ServerProcess) -> None:
    for dialect, closing in (("native", ["vortex.closing"]), ("", [])):
        peer = ReadingPeer("http", server.port, "early-0", dialect=dialect)
        target = f"/vortex?vortexUuid=early-0&vortexName=n{NATIVE}&vortexVersion=0"
        head = f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n"
        assert send_head(server, head).split()[1] == b"426"
        last = [one for one in peer.messages() if one is not None]
        assert [one["filt"]["key"] for one in last] == closing
        assert all("update-required" in one["result"] for one in last)
        peer.close()


def test_throttled_peer_hears_how_long_to_wait(server: ServerProcess) -> None:
    peers = [ReadingPeer("http", server.port, f"early-{number}") for number in range(2)]
    late = "/vortex?vortexUuid=late&vortexName=n"
    code, reason = find_end(server, late + NATIVE)
    assert code == 4429
    seconds, _, text = reason.partition(" s: ")
    assert 0 < int(seconds) <= 1000
    assert text.startswith("Too many new peers from this address")
    assert find_end(server, late)[0] == status_of_released(server, 503)
    for peer in peers:
        peer.ask(key="e2e.echo")
        peer.wait_for("e2e.echo")
        peer.close()


def test_header_that_any_client_can_write_is_nobodys_address(start_server: StartServer) -> None:
    server = start_server(
        "uvicorn", vortex={"THROTTLE_PEERS_PER_ADDRESS": 3, "THROTTLE_SECONDS": 1000.0}
    )
    ends = [
        find_end(
            server, f"/vortex?vortexUuid=w{n}&vortexName=n", **{"X-Forwarded-For": f"9.9.9.{n}"}
        )
        for n in range(6)
    ]
    assert [status for status, _ in ends] == [101, 101, 101, 503, 503, 503]
    assert "VORTEX['TRUSTED_PROXIES']" in server.log
    server.stop()


def test_slow_bodies_end(start_server: StartServer) -> None:
    server = start_server("uvicorn", vortex={"BODY_SECONDS": 3.0, "SLOW_BODIES_PER_ADDRESS": 20})
    clients = []
    for number in range(60):
        client = socket.create_connection((HOST, server.port), timeout=60)
        target = f"/vortex?vortexUuid=slow-{number}&vortexName=n"
        head = f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\nx"
        client.sendall(head.encode())
        clients.append(client)
    answers = []
    for client in clients:
        answer = b""
        while data := client.recv(4096):  # up to the end of the connection
            answer += data
        answers.append(int(answer.split()[1]))
        client.close()
    assert (answers.count(408), answers.count(503)) == (20, 40)
    server.stop()
