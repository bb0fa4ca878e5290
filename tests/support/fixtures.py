"""Fixtures that start real processes and end them, by their process id, when the test is over.

A ``conftest.py`` imports what its tests need::

    from tests.support.fixtures import *  # noqa: F403
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import manage, show_logs, starting
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess, server_environment

__all__ = [
    "database",
    "log_of_processes",
    "migrated_database",
    "redis_server",
    "server",
    "start_server",
]

StartServer = Callable[..., ServerProcess]


@pytest.fixture(autouse=True)
def log_of_processes() -> Iterator[None]:
    """Show, when a test fails, what its processes printed meanwhile."""
    with show_logs():
        yield


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the airports and the tickets of the example; to be copied, not written."""
    path = tmp_path_factory.mktemp("database") / "template.sqlite3"
    env = server_environment(path)
    manage("migrate", "--verbosity", "0", env=env)
    manage("load_airports", "--verbosity", "0", env=env)
    manage("load_board", "--verbosity", "0", env=env)
    return path


@pytest.fixture(scope="module")
def database(migrated_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the migrated database for the servers of one test module."""
    path = tmp_path_factory.mktemp("database") / "db.sqlite3"
    shutil.copyfile(migrated_database, path)
    return path


@pytest.fixture(scope="module")
def start_server(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start `ServerProcess`es: ``start_server("uvicorn", vortex={...}, layer="pubsub", ...)``.

    Takes the keyword arguments of `ServerProcess` and gives the running server. All are ended at
    the end of the module; a test that wants its own ends it itself.
    """

    def make(kind: str, **options: object) -> ServerProcess:
        directory = tmp_path_factory.mktemp(kind)
        options.setdefault("database", database)
        return ServerProcess(kind, directory, **options)  # type: ignore[arg-type]

    with starting(make) as start:
        yield start


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    """A server of each kind as the example project has it; modules that set more have their own."""
    return start_server(request.param)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running, empty Redis server, which a test may stop and start again."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()
