"""Real servers and the released clients for the tests of this folder."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from tests.interop.originals.driver import OriginalClient
from tests.support.fixtures import *  # noqa: F403

StartOriginal = Callable[..., OriginalClient]


@pytest.fixture(scope="module")
def start_original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartOriginal]:
    """Start VortexPY clients: ``start_original("websocket", server.port)``, then `connect`.

    They live until the end of the module; a test that is done with one may stop it.
    """
    if find_spec("vortex") is None:
        pytest.skip("vortexpy is not installed: pip install 'vortexpy==6.2.2'")
    started: list[OriginalClient] = []

    def start(kind: str, port: int, *, name: str = "original") -> OriginalClient:
        client = OriginalClient(kind, port, tmp_path_factory.mktemp(kind), name=name)
        started.append(client)
        client.start()
        return client

    yield start
    for client in started:
        client.stop()
