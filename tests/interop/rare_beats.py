"""The example project with a heart-beat a minute, which is more seldom than its setting may say.

A client that reads something before the first beat does not read it because of a beat.
"""

from dataclasses import replace

from django_vortex.conf import VortexSettings
from django_vortex.server.options import ServerOptions
from django_vortex.transports import hub
from example_project.asgi import application

__all__ = ["application"]

HEARTBEAT_SECONDS = 60.0

_read_options = hub._options


def _make_options(settings: VortexSettings) -> ServerOptions:
    return replace(_read_options(settings), heartbeat_seconds=HEARTBEAT_SECONDS)


hub._options = _make_options
