"""Live answers within a test: evaluated in its transaction, which counts as committed.

Takes the server of a test, gives what it evaluates with. The release of the application's outermost
savepoint counts as its commit, and so does what is written outside of any.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from django_vortex.conf import get_settings
from django_vortex.live.options import LiveOptions
from django_vortex.live.telling import telling
from django_vortex.orm.django.capture import begin_test
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.connection import Connection
from django_vortex.server.live_parts import Live
from django_vortex.testing.inline import run_in_test
from django_vortex.transports import evaluating
from django_vortex.transports.telling import tell

OPTIONS = LiveOptions(coalesce_seconds=0.0, evaluation_seconds=86_400.0)


def make_live(
    payload_io: PayloadIO, get_connections: Callable[[], Mapping[str, Connection]]
) -> Live | None:
    """Return what the server of a test evaluates with, None where the settings want none.

    Args:
        payload_io: Answers the peers.
        get_connections: Returns the peers of the server.
    """
    if not get_settings().live:
        return None
    return evaluating.make_live(payload_io, get_connections, OPTIONS)


@asynccontextmanager
async def committing(is_watched: Callable[[], bool]) -> AsyncIterator[None]:
    """Let what the test writes be told, while something is watched."""
    captures = await run_in_test(begin_test)
    try:
        with telling.heard_by(tell, is_watched):
            yield
    finally:
        for capture in captures:
            capture.end_test()
