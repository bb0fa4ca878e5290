"""VortexPY 6.2.2 against our server: connecting, asking, being answered."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.app.pushing import KEY
from tests.interop.conftest import StartOriginal
from tests.interop.originals.driver import OriginalClient
from tests.interop.originals.notation import TIMED_OUT
from tests.interop.samples import SAMPLE, VALUES
from tests.support.servers import ServerProcess

NAME = "example"
SECRET = "the secret of the server"


@pytest.fixture(scope="module", params=["websocket", "http"])
def client(
    request: pytest.FixtureRequest, server: ServerProcess, start_original: StartOriginal
) -> OriginalClient:
    client = start_original(request.param, server.port)
    client.connect()
    return client


def test_client_knows_the_server_as_soon_as_it_is_connected(client: OriginalClient) -> None:
    ((name, uuid),) = client.servers
    assert name == NAME
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)


@pytest.mark.parametrize("path", ["vortex", "vortex/", "vortexws", "vortexws/"])
def test_websocket_client_connects_on_either_path(
    path: str, server: ServerProcess, start_original: StartOriginal
) -> None:
    client = start_original("websocket", server.port)
    assert client.connect(path=path)["servers"][0][0] == NAME
    client.stop()


@pytest.mark.parametrize("key", ["e2e.echo", "e2e.echo_sync", "airports.echo"])
def test_request_is_answered_with_what_it_carried(key: str, client: OriginalClient) -> None:
    reply = client.request({"key": key}, tuples=VALUES)
    assert reply.failure is None
    assert reply.tuples == VALUES
    assert [type(value) for value in reply.tuples] == [type(value) for value in VALUES]
    assert reply.tuples[0].class_name == "SampleTuple"


def test_reply_returns_the_complete_filt(client: OriginalClient) -> None:
    filt = {
        "key": "e2e.echo",
        "number": 1,
        "ratio": 2.5,
        "none": None,
        "list": [3, 1],
        "yes": True,
    }
    reply = client.request(filt, tuples=[])
    message_id = reply.filt["PayloadResponse.messageId"]
    assert reply.filt == {**filt, "PayloadResponse.messageId": message_id}
    assert reply.payload_filt == reply.filt
    assert reply.date is not None


def test_request_without_a_payload_is_answered(client: OriginalClient) -> None:
    name, user, address = client.request({"key": "e2e.who"}).tuples or []
    assert (name, user, address) == ("original", None, "127.0.0.1")


def test_handler_with_nothing_to_say_ends_the_wait(client: OriginalClient) -> None:
    assert client.request({"key": "e2e.nothing"}).failure is None


def test_result_of_a_handler_arrives_beside_its_payload(client: OriginalClient) -> None:
    reply = client.request({"key": "e2e.envelope"})
    assert (reply.result, reply.tuples) == (True, ["done"])


@pytest.mark.parametrize("key", ["e2e.fault", "e2e.fault_sync"])
def test_crash_is_told_without_a_traceback(
    key: str, client: OriginalClient, server: ServerProcess
) -> None:
    before = len(server.log)
    failed = client.request({"key": key})
    told = re.fullmatch(r"The server could not answer \(ref (\w+)\)", failed.failure or "")
    assert told, failed.failure
    server.wait_for_log(told[1], start=before)
    server.wait_for_log(SECRET, start=before)


def test_refusal_is_told_in_the_words_of_the_handler(client: OriginalClient) -> None:
    assert client.request({"key": "e2e.refusal"}).failure == "Not on a Sunday"


def test_unknown_tuple_type_is_told_and_the_connection_survives(client: OriginalClient) -> None:
    failed = client.request({"key": "e2e.echo"}, tuples=[{"_ct": "rt", "_c": "no.Such"}])
    assert "no.Such" in (failed.failure or "")
    assert client.request({"key": "e2e.echo"}, tuples=[1]).tuples == [1]


def test_nobody_answers_a_key_that_nobody_serves(client: OriginalClient) -> None:
    assert client.request({"key": "nobody.home"}, timeout=1).failure == TIMED_OUT
    assert client.request({"key": "e2e.echo"}, tuples=[1]).tuples == [1]


def test_message_of_megabytes_survives_both_ways(client: OriginalClient) -> None:
    tuples = [SAMPLE] * 1_000
    assert client.request({"key": "e2e.echo"}, tuples=tuples).tuples == tuples
    big = client.request({"key": "e2e.big", "count": 100, "size": 20_000})
    assert [len(text) for text in big.tuples or []] == [20_000] * 100


def test_many_requests_at_once_are_all_answered(
    server: ServerProcess, start_original: StartOriginal
) -> None:
    client = start_original("websocket", server.port)
    client.connect()

    def ask(number: int) -> list[object] | None:
        return client.request({"key": "e2e.slow_async", "number": number}).tuples

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, range(50))) == [[number] for number in range(50)]
    client.stop()


def test_message_that_asks_for_an_echo_comes_back(client: OriginalClient) -> None:
    echoes = client.listen({"key": "echo me"})
    client.send({"key": "echo me", "rapuiServerEcho": True, "n": 1}, tuples=VALUES)
    (echo,) = echoes.wait_for(1)
    assert echo.filt == {"key": "echo me", "n": 1}
    assert echo.tuples == VALUES


def test_push_of_a_view_reaches_the_client(client: OriginalClient, server: ServerProcess) -> None:
    pushes = client.listen({"key": "push of a view"})
    server.push(key="push of a view", first=7, wait=1)
    (pushed,) = pushes.wait_for(1)
    assert (pushed.filt, pushed.tuples) == ({"key": "push of a view"}, [7])
    assert pushed.payload_filt == pushed.filt


def test_push_to_a_name_or_a_uuid_reaches_nobody_else(
    server: ServerProcess, start_original: StartOriginal
) -> None:
    clients = [
        start_original(kind, server.port, name=name)
        for kind, name in (("websocket", "one"), ("http", "two"))
    ]
    listening = []
    for client in clients:
        client.connect()
        listening.append(client.listen({"key": KEY}))
    server.push(first=1, to_name="one", wait=1)
    server.push(first=2, to_peer=clients[1].uuid, wait=1)
    server.push(first=3, wait=1)
    received = [pushes.wait_for(2) for pushes in listening]
    assert [sorted(push.tuples[0] for push in pushes) for pushes in received] == [[1, 3], [2, 3]]
    for client in clients:
        client.stop()
