"""A server that is killed under many clients: all go on at the other one, and nobody is refused."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import killing
from tests.chaos.stage import open_servers
from tests.support.servers import ServerProcess


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[ServerProcess]]:
    """Two servers with a Redis between them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    with open_servers(tmp_path, killing.VORTEX, ("uvicorn", "uvicorn")) as servers:
        yield servers
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_all_clients_of_a_killed_server_go_on_at_another(
    servers: list[ServerProcess],
) -> None:
    assert await killing.run(servers) > 0
