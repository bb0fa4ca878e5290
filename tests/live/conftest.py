"""Real databases of these tests, and whoever listens to what is told."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.crud.fixtures import *  # noqa: F403


@pytest.fixture(autouse=True)
def database_access(django_db_blocker: Any) -> Iterator[None]:
    """Let Django use the databases, without the transaction that pytest-django puts around."""
    with django_db_blocker.unblock():
        yield
