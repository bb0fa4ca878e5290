"""A clock beside the loop of the server, for tests that ask what the loop was late for."""

import threading
import time

from django.http import HttpRequest, JsonResponse

from django_vortex import Payload, send

KEY = "e2e.tick"


async def tick(request: HttpRequest) -> JsonResponse:
    """Push ``count`` numbered ticks from a thread, one every ``seconds``, to everyone.

    The thread goes on while the loop is blocked: its ticks then arrive one upon the other.
    """
    count, seconds = int(request.GET["count"]), float(request.GET["seconds"])
    threading.Thread(target=_tick, args=(count, seconds), daemon=True).start()
    return JsonResponse({})


def _tick(count: int, seconds: float) -> None:
    for number in range(count):
        time.sleep(seconds)
        send(Payload({"key": KEY}, tuples=[number]))
