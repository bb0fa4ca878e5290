"""A view that pushes more than a slow peer can take, and watches the memory meanwhile."""

import asyncio
import os
from concurrent.futures import Future

import psutil
from django.http import HttpRequest, JsonResponse

from django_vortex import Payload, send

process = psutil.Process()

KEY = "e2e.flood"


async def flood(request: HttpRequest) -> JsonResponse:
    """Push ``count`` payloads with ``size`` bytes that no compression makes smaller, to everyone.

    Tells the memory before, at the worst, and in the end.
    """
    count, size = int(request.GET["count"]), int(request.GET["size"])
    first = int(request.GET.get("first", 0))
    before = worst = now = process.memory_info().rss
    for number in range(first, first + count):
        future: Future[int] = send(Payload({"key": KEY}, tuples=[number, os.urandom(size)]))
        await asyncio.wrap_future(future)
        await asyncio.sleep(0)
        now = process.memory_info().rss
        worst = max(worst, now)
    return JsonResponse({"before": before, "worst": worst, "now": now})
