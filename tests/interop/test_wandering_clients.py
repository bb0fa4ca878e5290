"""A released client behind a balancer: each of its POSTs may reach another server process."""

import pytest

from tests.interop.scripted_peer import load_vectors
from tests.interop.scripted_peers import JsHttpPeer
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess

MESSAGE = load_vectors("vortexjs-2.4.2.json", "payload_vectors")["one_tuple"]["vortexMsg_b64"]


def post_to(peer: JsHttpPeer, server: ServerProcess) -> None:
    """Post to a process, wait for the reply and for the end of the response before."""
    peer.move_to(HOST, server.port)
    peer.send_vector(MESSAGE)
    assert peer.receive_until(lambda message: message.key == "a.b").result is None
    peer.wait_until_replaced()


@pytest.mark.parametrize("layer", ["pubsub", "core"])
@pytest.mark.parametrize("kinds", [("daphne", "daphne"), ("uvicorn", "daphne")], ids="-".join)
def test_browser_is_followed_from_process_to_process(
    kinds: tuple[str, str], layer: str, redis_server: RedisServer, start_server: StartServer
) -> None:
    # Daphne's vortex starts with its first peer, and finds the other process only then.
    options = {"layer": layer, "redis_url": redis_server.url, "vortex": {"HEARTBEAT_SECONDS": 0.5}}
    servers = [start_server(kind, **options) for kind in kinds]
    first, second = servers
    with JsHttpPeer() as peer:
        peer.connect(HOST, first.port)
        for server in (second, first, first, second):
            post_to(peer, server)
        for number, server in enumerate(servers):
            server.push(key="pushed", first=number, to_peer=peer.uuid, wait=1)
        pushes = [peer.receive_until(lambda message: message.key == "pushed") for _ in servers]
        assert sorted(push.tuples[0] for push in pushes) == [0, 1]
        peer.receive_beats(1)
        assert peer.take_all() == []
    for server in servers:
        server.stop()
