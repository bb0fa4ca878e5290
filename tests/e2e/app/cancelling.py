"""Handlers that work until they are cancelled, and what became of them."""

import asyncio
import time
from collections import Counter

from django.db import transaction
from django.http import HttpRequest, JsonResponse

from django_vortex import Request, endpoint
from django_vortex.wire.reserved import MESSAGE_ID

STEP_SECONDS = 0.02

events: Counter[str] = Counter()
"""How often each thing has happened to each request, as ``<label> <what>``."""


@endpoint({"key": "e2e.works_async"})
async def works_async(request: Request) -> list[object]:
    """Work on the loop for ``seconds``; one that is ``stubborn`` answers all the same."""
    label = request.filt["label"]
    events[f"{label} begun"] += 1
    try:
        await asyncio.sleep(float(request.filt["seconds"]))
        events[f"{label} done"] += 1
    except asyncio.CancelledError:
        events[f"{label} cancelled"] += 1
        if not request.filt.get("stubborn"):
            raise
    return [label]


@endpoint({"key": "e2e.works_sync"})
def works_sync(request: Request) -> list[object]:
    """Work in a thread, and look now and then whether anybody still waits."""
    label = request.filt["label"]
    events[f"{label} begun"] += 1
    end = time.monotonic() + float(request.filt["seconds"])
    while time.monotonic() < end:
        if request.is_cancelled:
            events[f"{label} cancelled"] += 1
            return [label]
        time.sleep(STEP_SECONDS)
    events[f"{label} done"] += 1
    return [label]


@endpoint({"key": "e2e.works_how"})
async def works_how(request: Request) -> list[object]:
    """Tell what has happened to a request, and the id of this one."""
    return [_fate(request.filt["label"]), request.filt.get(MESSAGE_ID)]


@transaction.non_atomic_requests
async def works(request: HttpRequest) -> JsonResponse:
    """Tell what has happened to a request of this process."""
    return JsonResponse(_fate(request.GET["label"]))


def _fate(label: str) -> dict[str, int]:
    return {what: events[f"{label} {what}"] for what in ("begun", "cancelled", "done")}
