"""Every release of VortexPY that can run here, over each transport it has, against our server."""

import random
import re

import pytest

from tests.interop.conftest import RELEASES, StartOriginal
from tests.interop.originals.driver import OriginalClient
from tests.interop.originals.releases import HTTP
from tests.interop.samples import VALUES, of_release
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

NAME = "example"
ECHO = {"key": "e2e.echo"}
HTTP_PATIENCE_SECONDS = 120.0
"""HTTP clients look every 5 or 10 s whether their server has been silent for 15 s."""


def test_client_knows_the_server(client: OriginalClient) -> None:
    wait_until(lambda: client.servers, "the information about the server")
    ((name, uuid),) = client.servers
    assert name == NAME
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)


@pytest.mark.parametrize("key", ["e2e.echo", "e2e.echo_sync"])
def test_request_is_answered_with_what_it_carried(key: str, client: OriginalClient) -> None:
    values = of_release(VALUES, client.release)
    filt = {"key": key, "number": 1, "list": ["a"]}
    reply = client.request(filt, tuples=values)
    assert reply.told is None
    assert reply.tuples == values
    assert (reply.tuples or [])[0].class_name == "SampleTuple"
    message_id = reply.filt["PayloadResponse.messageId"]
    assert reply.filt == {**filt, "PayloadResponse.messageId": message_id}


def test_requests_one_after_the_other_are_all_answered(client: OriginalClient) -> None:
    for number in range(10):
        assert client.request({**ECHO, "n": number}, tuples=[number]).tuples == [number]


def test_handler_with_nothing_to_say_ends_the_wait(client: OriginalClient) -> None:
    reply = client.request({"key": "e2e.nothing"})
    assert (reply.told, reply.tuples or []) == (None, [])


def test_failure_and_refusal_are_told_to_who_waits(client: OriginalClient) -> None:
    told = client.request({"key": "e2e.fault"}).told
    assert re.fullmatch(r"The server could not answer \(ref \w+\)", told)
    assert client.request({"key": "e2e.refusal"}).told == "Not on a Sunday"


def test_message_over_the_limit_is_told_to_who_waits(client: OriginalClient) -> None:
    noise = random.Random(1).randbytes(700_000).hex()
    told = client.request(ECHO, tuples=[noise, noise[::-1]]).told
    assert told == "Message exceeds max_message_bytes (1048576)"
    assert client.request(ECHO, tuples=[1]).tuples == [1]


def test_message_that_asks_for_an_echo_comes_back(client: OriginalClient) -> None:
    values = of_release(VALUES, client.release)
    echoes = client.listen({"key": "echo me"})
    client.send({"key": "echo me", "rapuiServerEcho": True, "n": 1}, tuples=values)
    (echo,) = echoes.wait_for(1)
    assert echo.filt == {"key": "echo me", "n": 1}
    assert echo.tuples == values


def test_pushes_reach_the_client(client: OriginalClient, server: ServerProcess) -> None:
    pushes = client.listen({"key": "a push"})
    server.push(key="a push", first=1, count=5, to_peer=client.uuid, wait=1)
    server.push(key="a push", first=6, wait=1)
    assert sorted((push.tuples or [None])[0] for push in pushes.wait_for(6)) == [1, 2, 3, 4, 5, 6]


def test_airports_arrive_as_tuples(client: OriginalClient) -> None:
    airports = client.request_again({"key": "airports.all"}).tuples or []
    assert len(airports) == 3376
    assert {airport.class_name for airport in airports} == {"AirportTuple"}


@pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
def test_answers_over_http_are_read_before_any_beat(
    server_kind: str, start_server: StartServer, start_original: StartOriginal
) -> None:
    server = start_server(server_kind, application="tests.interop.rare_beats:application")
    for release in RELEASES:
        client = start_original(HTTP, server.port, release=release)
        client.connect()
        beats, posts = client.state()["beats"], len(client.state()["infos"])
        for number in range(5):
            assert client.request(ECHO, tuples=[number]).tuples == [number]
        assert client.request({"key": "e2e.slow_async", "number": 5}).tuples == [5]
        assert client.request({"key": "e2e.fault"}).told
        state = client.state()
        assert len(state["infos"]) == posts + 7, "a client that waits in vain posts again"
        if release.is_oldest:
            assert (beats, state["beats"]) == (0, 0)
        client.stop()
    server.stop()


@pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
def test_all_come_back_after_the_server_was_killed(
    server_kind: str, start_server: StartServer, start_original: StartOriginal
) -> None:
    server = start_server(server_kind)
    clients: list[OriginalClient] = []
    for release in RELEASES:
        for kind in release.kinds:
            client = start_original(kind, server.port, name=f"{release}-{kind}", release=release)
            client.connect()
            clients.append(client)
    listening = [client.listen({"key": "a push"}) for client in clients]
    wait_until(lambda: all(client.servers for client in clients), "the server to be known")
    ((_, old_uuid),) = clients[0].servers

    server.kill()
    server.restart()

    server.wait_for_peers(len(clients), HTTP_PATIENCE_SECONDS)
    for client in clients:

        def knows_the_new_server(client: OriginalClient = client) -> bool:
            return [(name, uuid != old_uuid) for name, uuid in client.servers] == [(NAME, True)]

        wait_until(knows_the_new_server, f"the new server to be known by {client.name}")
        assert client.request(ECHO, tuples=[client.name]).tuples == [client.name]
    server.push(key="a push", first=5, wait=1)
    for client, pushes in zip(clients, listening, strict=True):
        received = [push.tuples for push in pushes.wait_for(1)]
        assert received == [[5]], client.name
        client.stop()
    server.stop()
