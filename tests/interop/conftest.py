"""Real servers and the released clients for the tests of this folder."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.interop.originals.driver import OriginalClient
from tests.support.fixtures import *  # noqa: F403

StartOriginal = Callable[..., OriginalClient]


@pytest.fixture
def start_original(tmp_path: Path) -> Iterator[StartOriginal]:
    """Start VortexPY clients: ``start_original("websocket", server.port)``, then `connect`."""
    if find_spec("vortex") is None:
        pytest.skip("vortexpy is not installed: pip install 'vortexpy==6.2.2'")
    started: list[OriginalClient] = []

    def start(kind: str, port: int, *, name: str = "original") -> OriginalClient:
        client = OriginalClient(kind, port, tmp_path, name=name)
        started.append(client)
        client.start()
        return client

    yield start
    for client in started:
        client.stop()
