import pytest

from django_vortex.routing.payload_io import PayloadIO
from tests.unit.server.fakes import FakeClock


@pytest.fixture
async def clock() -> FakeClock:
    """Time that stands still until a test lets it pass."""
    return FakeClock()


@pytest.fixture
def payload_io() -> PayloadIO:
    """The endpoints of one test."""
    return PayloadIO()
