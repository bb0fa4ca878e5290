"""Foreign pages are refused on both transports; so are strangers' uuids and too many peers."""

import http.client
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.peers import ReadingPeer, decode_tuples, log_in
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[ServerProcess]:
    allowed = ["https://pages.example.org"]
    server = start_server(request.param, vortex={"ALLOWED_ORIGINS": allowed})
    yield server
    server.stop()


def open_websocket(server: ServerProcess, path: str, **headers: str) -> tuple[int, str]:
    """Return the status of a handshake, 101 when it was accepted, and what was said."""
    try:
        with connect(server.ws_url + path, additional_headers=headers, proxy=None) as websocket:
            return 101, str(websocket.recv())
    except InvalidStatus as refused:
        return refused.response.status_code, (refused.response.body or b"").decode()


def post(server: ServerProcess, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    connection.request("POST", path, b"", headers)
    response = connection.getresponse()
    text = response.read1(65_536).decode()
    connection.close()
    return response.status, text


TARGET = "/vortex?vortexUuid=page&vortexName=page"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null"]
)
def test_foreign_page_is_refused(server: ServerProcess, origin: str) -> None:
    status, text = post(server, TARGET, Origin=origin)
    assert status == 403
    assert text.startswith("Pages of this origin may not connect")
    assert open_websocket(server, TARGET, Origin=origin)[0] == 403


@pytest.mark.parametrize("origin", ["own", "https://pages.example.org"])
def test_own_and_listed_pages_are_served(server: ServerProcess, origin: str) -> None:
    origin = server.http_url if origin == "own" else origin
    assert post(server, TARGET, Origin=origin)[0] == 200
    assert open_websocket(server, TARGET, Origin=origin)[0] == 101


@pytest.mark.parametrize("path", ["/vortex", "/vortex/", "/vortexws", "/vortexws/"])
def test_all_paths_take_websockets(server: ServerProcess, path: str) -> None:
    status, first = open_websocket(server, f"{path}?vortexName=n&vortexUuid=at{path}")
    assert status == 101
    assert first.startswith("eyJ")


def test_websocket_anywhere_else_is_refused(server: ServerProcess) -> None:
    expected = 404 if server.kind == "uvicorn" else 403
    assert open_websocket(server, "/elsewhere?vortexName=n&vortexUuid=u")[0] == expected


def test_websocket_without_uuid_is_refused(server: ServerProcess) -> None:
    status, text = open_websocket(server, "/vortexws?vortexName=n")
    if server.kind == "uvicorn":
        assert status == 400
        assert text.startswith("The URL needs vortexUuid")
    else:  # Daphne has no other answer to a handshake
        assert status == 403


def test_uuid_of_a_user_is_not_given_to_a_stranger(server: ServerProcess) -> None:
    cookie = log_in(server, "owner")
    owner = ReadingPeer("websocket", server.port, "owned", headers={"Cookie": cookie})
    target = "/vortex?vortexUuid=owned&vortexName=thief"
    assert post(server, target) == (403, "The vortexUuid is in use by somebody else")
    assert open_websocket(server, target)[0] == 403
    assert open_websocket(server, target, Cookie=log_in(server, "stranger"))[0] == 403
    owner.ask(key="e2e.echo")
    owner.wait_for("e2e.echo")  # and the owner did not notice
    owner.close()


@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_handlers_know_the_user(server: ServerProcess, transport: str) -> None:
    cookie = log_in(server, "known")
    peer = ReadingPeer(transport, server.port, f"user-{transport}", headers={"Cookie": cookie})
    peer.ask(key="e2e.who")
    name, user, address = decode_tuples(peer.wait_for("e2e.who"))
    assert (name, address) == ("reader", HOST)
    assert isinstance(user, int)
    peer.close()


@pytest.mark.parametrize("cookie", ["", "sessionid=madeup"])
def test_visitor_is_nobody(server: ServerProcess, cookie: str) -> None:
    headers = {"Cookie": cookie} if cookie else {}
    peer = ReadingPeer("websocket", server.port, f"visitor{cookie}", headers=headers)
    peer.ask(key="e2e.who")
    assert decode_tuples(peer.wait_for("e2e.who")) == ["reader", None, HOST]
    peer.close()


@pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
def test_new_peers_are_throttled_and_known_ones_are_not(
    server_kind: str, start_server: StartServer
) -> None:
    server = start_server(
        server_kind, vortex={"THROTTLE_PEERS_PER_ADDRESS": 3, "THROTTLE_SECONDS": 1000.0}
    )
    peers = [ReadingPeer("http", server.port, f"early-{number}") for number in range(3)]
    late = "/vortex?vortexUuid=late&vortexName=n"
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    connection.request("POST", late, b"")
    response = connection.getresponse()
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.read().startswith(b"Too many new peers")
    connection.close()
    assert open_websocket(server, late)[0] == (503 if server_kind == "uvicorn" else 403)
    for _ in range(10):
        peers[0].ask(key="e2e.echo")
        peers[0].wait_for("e2e.echo")
    for peer in peers:
        peer.close()
    server.stop()
