"""Real servers of each kind for the tests of the Python client: see `tests.support.fixtures`."""

import pytest

from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param)


@pytest.fixture(params=["websocket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)
