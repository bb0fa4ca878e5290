"""Tell the servers of all processes of what was committed here: `tell`.

Takes changes from the adapters of the ORMs, in the thread that has committed them; gives them to
the server of this process, which tells the others, or without one to the channel layer.
"""

from collections.abc import Sequence
from functools import lru_cache

from django.core.signals import setting_changed
from django.dispatch import receiver

from django_vortex.conf import get_settings
from django_vortex.live.change_texts import write_changes
from django_vortex.live.changes import Change
from django_vortex.live.telling import telling
from django_vortex.routing.payload_io import payload_io
from django_vortex.server.fan_out import Record
from django_vortex.server.news import news_record
from django_vortex.server.server import Server
from django_vortex.server.watching import Watching
from django_vortex.transports import hub
from django_vortex.transports.layer import has_layer
from django_vortex.transports.sending import call_server


def listen() -> None:
    """Listen from now on to what this process commits.

    Without a layer to other processes nobody hears it before there is a server in this one.
    """
    telling.listen(tell, is_heard)


def is_heard() -> bool:
    """Return whether any server could be told now."""
    return hub.current() is not None or _is_heard_elsewhere()


@lru_cache(maxsize=1)
def _is_heard_elsewhere() -> bool:
    """Return whether the settings name a layer; each statement of the process asks."""
    return has_layer(get_settings().channel_layer)


@receiver(setting_changed)
def _ask_again(*, setting: str, **_: object) -> None:
    """Let ``override_settings`` work in the tests of applications."""
    if setting in ("VORTEX", "CHANNEL_LAYERS"):
        _is_heard_elsewhere.cache_clear()


def tell(changes: Sequence[Change]) -> None:
    """Tell of changes that were committed in this process; returns at once."""

    def tell_server(server: Server) -> int:
        server.tell(changes)
        return len(changes)

    def make_record() -> Record:
        return news_record(Watching.name, write_changes(changes, payload_io.codec), None)

    call_server(tell_server, make_record, wait=False)
