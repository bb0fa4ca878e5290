import pytest

from tests.unit.server.fakes import FakeClock


@pytest.fixture
async def clock() -> FakeClock:
    """Time that stands still until a test lets it pass."""
    return FakeClock()
