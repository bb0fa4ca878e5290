"""Real servers and the released clients for the tests of this folder."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from tests.interop.originals.driver import OriginalClient
from tests.interop.originals.releases import find_releases
from tests.support.fixtures import *  # noqa: F403
from tests.support.processes import starting
from tests.support.servers import ServerProcess

StartOriginal = Callable[..., OriginalClient]

RELEASES = find_releases()
"""The releases of VortexPY that can run here; with the others nothing is collected."""

CLIENTS = [
    pytest.param((release, kind), id=f"{release}-{kind}")
    for release in RELEASES
    for kind in release.kinds
]
"""Each of them over each of its transports."""


@pytest.fixture(scope="module")
def start_original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartOriginal]:
    """Start VortexPY clients: ``start_original("websocket", server.port)``, then `connect`.

    Takes ``name=`` and ``release=`` as `OriginalClient` does. The clients live until the end of the
    module; a test that is done with one may stop it.
    """
    if find_spec("vortex") is None:
        pytest.skip("vortexpy is not installed: pip install 'vortexpy==6.2.2'")

    def make(kind: str, port: int, **options: Any) -> OriginalClient:
        return OriginalClient(kind, port, tmp_path_factory.mktemp(kind), **options)

    with starting(make) as start:
        yield start


@pytest.fixture(scope="module", params=CLIENTS)
def client(
    request: pytest.FixtureRequest, server: ServerProcess, start_original: StartOriginal
) -> OriginalClient:
    """A connected client of each release over each of its transports, to be shared by a module."""
    release, kind = request.param
    client = start_original(kind, server.port, release=release)
    client.connect()
    return client
