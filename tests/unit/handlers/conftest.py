import pytest

from tests.support.routing import Bench


@pytest.fixture
def bench() -> Bench:
    """A fresh registry with a peer that asks it."""
    return Bench()
