"""Pushes from where an application may be, to those it names, at a real server without a layer."""

import pytest

from tests.e2e.app.pushing import KEY
from tests.e2e.peers import ReadingPeer, decode_tuples, log_in
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess

EVERYONE, ONE_USER, ONE_PEER, NOBODY = range(4)


@pytest.fixture(scope="module", params=["uvicorn", "daphne", "runserver"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param)


@pytest.mark.parametrize("path", ["/e2e/push", "/e2e/push_async"], ids=["sync", "async"])
def test_view_pushes_to_all_to_a_user_and_to_a_peer(server: ServerProcess, path: str) -> None:
    cookies = {name: log_in(server, name + path) for name in ("ann", "bob")}
    peers = {
        (name, transport): ReadingPeer(
            transport, server.port, f"{path}-{name}-{transport}", headers={"Cookie": cookie}
        )
        for name, cookie in cookies.items()
        for transport in ("websocket", "http")
    }
    asking = peers["ann", "websocket"]
    asking.ask(key="e2e.who")
    ann = decode_tuples(asking.wait_for("e2e.who"))[1]

    def push(number: int, **to: object) -> int:
        (reached,) = server.get_json(path, first=number, wait=1, **to)["reached"]
        return int(reached)

    assert push(NOBODY, to_user=ann + 1000) == 0
    assert push(ONE_USER, to_user=ann) == 2
    assert push(ONE_PEER, to_peer=f"{path}-bob-http") == 1
    assert push(EVERYONE, to_name="reader") >= len(peers)  # and those of before, still held
    for (name, transport), peer in peers.items():
        numbers = []
        while EVERYONE not in numbers:
            numbers += decode_tuples(peer.wait_for(KEY))
        expected = [ONE_USER] if name == "ann" else [ONE_PEER] if transport == "http" else []
        assert numbers == [*expected, EVERYONE]
        peer.close()
