"""Observers of all releases of VortexPY that can run here, over each transport."""

import pytest

from tests.interop.conftest import CLIENTS, StartOriginal
from tests.interop.originals.driver import OriginalClient, OriginalFailed
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess

OBSERVABLE = "example"
"""The name of the server, under which queries are found unless they say otherwise."""

OBSERVERS = [one for one in CLIENTS if not one.values[0][0].is_oldest]


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param)


@pytest.fixture(scope="module", params=OBSERVERS)
def client(
    request: pytest.FixtureRequest, server: ServerProcess, start_original: StartOriginal
) -> OriginalClient:
    release, kind = request.param
    client = start_original(kind, server.port, release=release)
    client.connect()
    return client


def test_a_poll_gives_the_answer_for_its_arguments(client: OriginalClient) -> None:
    observer = client.observe(OBSERVABLE)
    assert observer.poll("e2e.first", start=7) == [7]
    assert observer.poll("e2e.nearest", day="2024-01-02", price=1.5) == ["2024-01-02", 3.0]


def test_a_poll_with_wrong_arguments_fails_with_the_reason(client: OriginalClient) -> None:
    observer = client.observe(OBSERVABLE)
    with pytest.raises(OriginalFailed, match="Argument 'start': Expected `int`, got 'x'"):
        observer.poll("e2e.first", start="x")
    with pytest.raises(OriginalFailed, match=r"No query answers 'e2e\.frist' here"):
        observer.poll("e2e.frist", start=1)


def test_an_additional_filt_finds_another_query(client: OriginalClient) -> None:
    observer = client.observe("plugin", additional_filt={"$dict": [["plugin", "e2e"]]})
    assert observer.poll("e2e.of_plugin") == ["here"]
