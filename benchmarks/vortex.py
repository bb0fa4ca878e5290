"""The endpoint that is measured, found like any app's."""

from typing import Any

from benchmarks.messages import ECHO_FILT
from django_vortex import Request, endpoint


@endpoint(ECHO_FILT)
async def echo(request: Request) -> list[Any]:
    """Reply with the tuples that came."""
    return request.tuples
