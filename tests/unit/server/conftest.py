from collections.abc import AsyncIterator

import pytest

from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.server import Server
from tests.unit.server.fakes import FakeClock, make_server


@pytest.fixture
async def clock() -> FakeClock:
    """Time that stands still until a test lets it pass."""
    return FakeClock()


@pytest.fixture
def payload_io() -> PayloadIO:
    """The endpoints of one test."""
    return PayloadIO()


@pytest.fixture
async def server(clock: FakeClock, payload_io: PayloadIO) -> AsyncIterator[Server]:
    """A server that runs three requests of a peer at a time."""
    server = make_server(clock, payload_io=payload_io, max_requests_in_flight=3)
    yield server
    await server.stop(0)
