"""The streaming POST against real servers: what it costs, how it ends, what it says."""

import http.client
import json
from collections.abc import Iterator

import pytest

from tests.e2e.app.pushing import KEY
from tests.e2e.peers import ReadingPeer, decode_envelope, decode_tuples, log_in
from tests.interop.wires import HttpWire
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

USERS = 10
STREAMS = 500
LIMIT = 4096


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[ServerProcess]:
    server = start_server(request.param, vortex={"MAX_MESSAGE_BYTES": LIMIT})
    yield server
    server.stop()


@pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
def test_idle_streams_of_users_hold_no_thread_and_no_database_connection(
    server_kind: str, start_server: StartServer
) -> None:
    server = start_server(server_kind)
    cookies = [log_in(server, f"user-{number}") for number in range(USERS)]
    before = server.stats()
    peers = [
        ReadingPeer(
            "http", server.port, f"idle-{number}", headers={"Cookie": cookies[number % USERS]}
        )
        for number in range(STREAMS)
    ]
    now = wait_until(
        lambda: (stats := server.stats())["threads"] <= before["threads"] + 2 and stats,
        "the threads of the requests to end",
    )
    assert now["peers"] == STREAMS
    assert now["database_connections"] <= before["database_connections"]
    # Every one of them is served all the same, and known.
    server.push(to_name="reader")
    for peer in peers:
        peer.wait_for(KEY)
    peers[0].ask(key="e2e.who")
    assert decode_tuples(peers[0].wait_for("e2e.who"))[1] is not None
    for peer in peers:
        peer.close()
    wait_until(
        lambda: server.stats()["open_descriptors"] <= before["open_descriptors"] + 2,
        "the server to notice that they are gone",
    )
    server.stop()


def test_first_chunk_has_beat_info_and_reply(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "first-chunk")
    peer.ask(key="e2e.echo")
    assert isinstance(peer.wire, HttpWire)
    first = peer.wire.receive().decode("ascii")
    beat, info, reply, rest = first.split(".")
    assert beat == ""
    assert "__vortexUuid__" in decode_envelope(info)["filt"]
    assert decode_envelope(reply)["filt"] == {"key": "e2e.echo"}
    assert rest == ""
    peer.close()


def test_slow_reply_does_not_hold_up_the_first_chunk(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "slow-reply")
    peer.ask(key="e2e.slow_async", seconds=1.0, number=1)
    kinds = []
    for message in peer.messages():
        kinds.append("beat" if message is None else sorted(message["filt"])[0])
        if kinds[-1] == "key":
            break
    assert kinds[:2] == ["beat", "__vortexName__"]
    peer.close()


def test_next_post_ends_the_old_response_and_loses_nothing(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "reposting")
    assert isinstance(peer.wire, HttpWire)
    numbers = []
    for first in range(0, 200, 20):
        server.push(count=20, first=first, to_peer="reposting", wait=1)
        old = peer.wire.response
        pieces = peer.pieces
        peer.ask(key="e2e.echo", round=first)
        assert peer.wire.response is not old
        for piece in pieces:  # up to the clean end of the old response
            numbers += find_numbers(piece)
        while True:
            message = peer.wait_for(KEY, "e2e.echo")
            if message["filt"]["key"] == "e2e.echo":
                break
            numbers += decode_tuples(message)
        while len(numbers) < first + 20:
            numbers += decode_tuples(peer.wait_for(KEY))
    assert numbers == list(range(200))
    peer.close()


def find_numbers(piece: str) -> list[int]:
    if not piece:
        return []
    envelope = decode_envelope(piece)
    return decode_tuples(envelope) if envelope["filt"].get("key") == KEY else []


def test_pushes_between_two_posts_are_kept(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "between")
    peer.close()
    server.push(count=5, to_peer="between", wait=1)
    back = ReadingPeer("http", server.port, "between")
    assert [decode_tuples(back.wait_for(KEY))[0] for _ in range(5)] == list(range(5))
    back.close()


def test_response_says_that_nothing_may_be_held_back(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "headers")
    assert isinstance(peer.wire, HttpWire)
    headers = peer.wire.response.headers
    assert headers["Content-Type"] == "text/text"
    assert headers["Content-Encoding"] == "identity"
    assert "no-cache" in headers["Cache-Control"]
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Content-Length"] is None
    peer.close()


@pytest.mark.parametrize("path", ["/vortex", "/vortex/", "/vortexws", "/vortexws/"])
def test_all_paths_take_posts(server: ServerProcess, path: str) -> None:
    with HttpWire(server.port, {"vortexUuid": f"at{path}", "vortexName": "n"}, path=path) as wire:
        wire.post("")
        assert wire.receive().startswith(b".")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probe_says_that_websockets_work(server: ServerProcess, method: str) -> None:
    status, body = server.get("/vortexws", method=method)
    assert status == 200
    if method == "GET":
        probe = json.loads(body)
        assert {**probe, "date": ""} == {
            "success": True,
            "websocket": True,
            "upgradeable": True,
            "date": "",
        }


@pytest.mark.parametrize("path", ["/vortex", "/vortex/"])
def test_get_is_answered_with_a_text(server: ServerProcess, path: str) -> None:
    status, body = server.get(path)
    assert status == 405
    assert not body.startswith(b"<")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"vortexUuid": "x"},
        {"vortexName": "x"},
        {"vortexUuid": "", "vortexName": "x"},
        {"vortexUuid": "x" * 500, "vortexName": "x"},
    ],
    ids=["nothing", "no name", "no uuid", "empty uuid", "long uuid"],
)
def test_url_without_uuid_and_name_is_answered_with_a_text(
    server: ServerProcess, query: dict[str, str]
) -> None:
    status, body = server.get("/vortex", method="POST", **query)
    assert status == 400
    assert body.startswith(b"The URL needs vortexUuid")


def test_body_over_the_limit_is_answered_with_a_text(server: ServerProcess) -> None:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    body = b"A" * (LIMIT * 4 + 1)
    connection.request("POST", "/vortex?vortexUuid=big&vortexName=n", body)
    response = connection.getresponse()
    assert response.status == 413
    assert response.read() == f"The body is longer than {LIMIT * 4} bytes".encode()
    connection.close()


def test_unreadable_message_is_told_and_the_stream_goes_on(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "unreadable")
    peer.post("!!!!.")
    error = peer.wait_for("vortex.error")
    assert error["result"]["error"] == "malformed"
    peer.ask(key="e2e.echo")
    assert peer.wait_for("e2e.echo")["result"] is None
    peer.close()
