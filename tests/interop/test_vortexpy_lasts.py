"""VortexPY 6.2.2 stays connected and hears other processes."""

import pytest

from tests.e2e.app.pushing import KEY
from tests.interop.conftest import StartOriginal
from tests.interop.originals.driver import OriginalClient
from tests.support.fixtures import StartServer
from tests.support.processes import manage
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

BEATS = 60

kinds = pytest.mark.parametrize("kind", ["websocket", "http"])
servers = pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])


@kinds
@servers
def test_client_lives_through_sixty_beats(
    server_kind: str, kind: str, start_server: StartServer, start_original: StartOriginal
) -> None:
    server = start_server(server_kind, vortex={"HEARTBEAT_SECONDS": 0.1})
    client = start_original(kind, server.port)
    client.connect()
    wait_until(lambda: client.state()["beats"] >= BEATS, f"{BEATS} beats")
    assert client.state()["connections"] == 1
    assert client.request({"key": "e2e.echo"}, tuples=[1]).tuples == [1]
    server.stop()


@pytest.mark.parametrize(("server_kind", "layer"), [("uvicorn", "pubsub"), ("daphne", "core")])
def test_push_of_a_command_in_another_process_reaches_every_client(
    server_kind: str,
    layer: str,
    redis_server: RedisServer,
    start_server: StartServer,
    start_original: StartOriginal,
) -> None:
    server = start_server(server_kind, layer=layer, redis_url=redis_server.url)
    clients: list[OriginalClient] = []
    for kind in ("websocket", "http"):
        client = start_original(kind, server.port, name=kind)
        client.connect()
        clients.append(client)
    listening = [client.listen({"key": "airports.notice"}) for client in clients]
    manage("announce", "Gate 4 is closed", env=server.environment)
    for pushes in listening:
        assert [push.tuples for push in pushes.wait_for(1)] == [["Gate 4 is closed"]]
    server.stop()


@kinds
def test_client_talks_to_runserver(
    kind: str, start_server: StartServer, start_original: StartOriginal
) -> None:
    server = start_server("runserver")
    client = start_original(kind, server.port)
    client.connect()
    pushes = client.listen({"key": KEY})
    server.push(first=1, wait=1)
    assert [push.tuples for push in pushes.wait_for(1)] == [[1]]
    assert client.request({"key": "e2e.echo_sync"}, tuples=[2]).tuples == [2]
    assert server.stop() == 0
