"""A hub of its own for every test that asks for one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from django_vortex.routing.payload_io import payload_io
from django_vortex.transports import hub
from tests.unit.transports import urlconf


@pytest.fixture
async def fresh_hub(settings: Any) -> AsyncIterator[None]:
    """No server before the test, none after it; the URLs are those of these tests."""
    settings.ROOT_URLCONF = urlconf.__name__
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.VORTEX = {"CHANNEL_LAYER": None, "SHUTDOWN_SECONDS": 0.1}
    ports = payload_io.run_sync, payload_io.codec
    hub._hub = None
    yield
    await hub.stop()
    if hub._hub is not None:
        hub._hub.retire()
        hub._hub = None
    payload_io.bind(run_sync=ports[0], codec=ports[1])
