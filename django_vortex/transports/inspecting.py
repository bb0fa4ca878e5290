"""How far watched answers are behind, here and in all processes: `lag`, `inspect_all`."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured

from django_vortex.conf import get_settings
from django_vortex.live.statistics import Lag
from django_vortex.server.fan_out import Record
from django_vortex.server.inspection import INSPECTION, name_answer
from django_vortex.server.news import news_record
from django_vortex.transports import hub
from django_vortex.transports.layer import make_fan_out


def lag() -> Lag:
    """Return how far the watches of this process are behind, all zeros where no server runs.

    From any thread. For all processes there is ``manage.py vortex_watches``.
    """
    server = hub.current()
    return Lag() if server is None else server.lag()


@dataclass(slots=True)
class Inspected:
    """What one process tells of its watches.

    Attributes:
        process: Its id.
        lag: The fields of `Lag`.
        watches: Of each watch the fields of `WatchStatistics`.
        left: How many parts have not come yet.
    """

    process: str
    lag: dict[str, Any]
    watches: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0


async def inspect_all(seconds: float) -> list[Inspected]:
    """Ask the servers of all processes what is watched there.

    Args:
        seconds: How long to wait for answers; who answers is not known before.

    Raises:
        ImproperlyConfigured: No channel layer leads to other processes.
    """
    fan_out = make_fan_out(get_settings().channel_layer)
    if fan_out is None:
        raise ImproperlyConfigured(
            "No channel layer leads to the servers. Configure CHANNEL_LAYERS, or ask "
            "django_vortex.lag() in the process of the server"
        )
    asker = uuid4().hex
    inspected: dict[str, Inspected] = {}

    def receive(process: str, sequence: int, record: Record) -> None:
        if record.get("kind") == "news" and record.get("name") == name_answer(asker):
            _take(json.loads(record["text"]), inspected)

    await fan_out.start(receive)
    try:
        fan_out.publish(news_record(INSPECTION, asker, None))
        await asyncio.sleep(seconds)
    finally:
        await fan_out.stop(seconds)
    return sorted(inspected.values(), key=lambda one: one.process)


def _take(part: dict[str, Any], inspected: dict[str, Inspected]) -> None:
    process = part["process"]
    known = inspected.get(process)
    if known is None:
        known = inspected[process] = Inspected(process, part["lag"], left=part["parts"])
    known.watches += part["watches"]
    known.left -= 1
