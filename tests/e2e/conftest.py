"""Real server processes for the tests of this folder: see `tests.support.fixtures`."""

from collections.abc import Iterator

import pytest

from tests.e2e.projects import LAYERS, Project
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import StartServer
from tests.support.redis_server import RedisServer


@pytest.fixture(params=LAYERS)
def layer(request: pytest.FixtureRequest) -> str:
    """Each channel layer; modules that need fewer have their own."""
    return str(request.param)


@pytest.fixture
def project(start_server: StartServer, layer: str, redis_server: RedisServer) -> Iterator[Project]:
    """Two servers behind one Redis, each of which reaches the peers of the other."""
    project = Project(start_server, layer, redis_server.url)
    project.meet()
    yield project
    project.stop()
