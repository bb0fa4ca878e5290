"""What is to happen once: requests and messages that are counted, and numbered pushes of a run."""

import asyncio
import os
import random
from collections import Counter, defaultdict
from typing import Final

from django.http import HttpRequest, JsonResponse

from django_vortex import Payload, Request, endpoint, send

PUSHED: Final = "e2e.counted_push"

runs: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""How often each request and each message of a run has been run by this process."""


LOG: Final = os.environ.get("E2E_COUNTED_LOG", "")
"""A file that has a line for each, which outlives the process; "" for none."""


def count(run: str, what: str) -> None:
    """Note that something has run once more."""
    runs[run][what] += 1
    if LOG:
        with open(LOG, "a", encoding="utf-8") as file:  # so short a line is written as a whole
            file.write(f"{run} {what}\n")


@endpoint({"key": "e2e.counted"})
async def counted(request: Request) -> list[int]:
    """Count that this ran, take a moment, and reply with the number that came."""
    run, number = request.payload.tuples
    count(run, f"call {number}")
    await asyncio.sleep(random.random() * 0.03)
    return [number]


@endpoint({"key": "e2e.noted"})
async def noted(request: Request) -> None:
    """Count a message that nobody answers."""
    run, number = request.payload.tuples
    count(run, f"send {number}")


async def push_counted(request: HttpRequest) -> JsonResponse:
    """Push ``count`` numbers of a ``run`` to everybody, a few at a time, as this ``source``."""
    run, source, count = request.GET["run"], request.GET["source"], int(request.GET["count"])
    pause = float(request.GET.get("pause", "0.04"))
    for number in range(count):
        filling = "x" * random.randrange(300)
        send(Payload({"key": PUSHED, "run": run, "source": source}, tuples=[number, filling]))
        if random.random() < 0.3:
            await asyncio.sleep(random.random() * pause)
    return JsonResponse({"pushed": count})


async def tell_counted(request: HttpRequest) -> JsonResponse:
    """Tell how often everything of a ``run`` ran in this process."""
    return JsonResponse(runs[request.GET["run"]])
