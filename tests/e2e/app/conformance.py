"""What scenarios of the conformance suite are played with; all of it survives ``kill -9``.

What has run is written to a file beside the database, which all processes of a project share.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse

from django_vortex import AllowAny, Payload, PayloadEnvelope, Request, endpoint, send
from django_vortex.routing.address import Address
from django_vortex.transports.sending import push
from tests.conformance.loader import LATEST, NOTED, PUSHED
from tests.e2e.app.watched import DEEDS, find


def record_path() -> Path:
    """Return the file with a line for everything that has run."""
    return Path(f"{settings.DATABASES['default']['NAME']}.ran")


@endpoint({"key": NOTED}, permission=AllowAny)
async def note(request: Request) -> list[Any]:
    """Write down that this ran, take ``seconds``, and reply with the tuples that came.

    ``run`` tells apart who asks, ``label`` what; with ``size`` a text so long is added.
    """
    filt = request.filt
    with record_path().open("a") as file:
        file.write(f"{filt['run']} {filt['label']}\n")
    await asyncio.sleep(float(filt.get("seconds", 0)))
    size = int(filt.get("size", 0))
    return [*request.payload.tuples, *(["x" * size] if size else [])]


def tell_ran(request: HttpRequest) -> JsonResponse:
    """Tell how often everything of a ``run`` ran, in whichever process."""
    counts: dict[str, int] = {}
    path = record_path()
    for line in path.read_text().splitlines() if path.exists() else ():
        run, _, label = line.partition(" ")
        if run == request.GET["run"]:
            counts[label] = counts.get(label, 0) + 1
    return JsonResponse(counts)


async def push_numbers(request: HttpRequest) -> HttpResponse:
    """Push ``count`` numbers from ``first`` on to the peers of a ``name``, one after another.

    With ``topics`` each push takes the place of those of its topic that wait.
    """
    query = request.GET
    name, first, count = query["name"], int(query["first"]), int(query["count"])
    pause, topics = float(query.get("pause", 0)), int(query.get("topics", 0))
    for number in range(first, first + count):
        if topics:
            filt = {"key": LATEST, "topic": number % topics}
            envelope = PayloadEnvelope(filt, Payload(tuples=[number]))
            push(envelope, Address(name=name), coalesce=True)
        else:
            filt = {"key": PUSHED, "source": query["source"]}
            send(Payload(filt, tuples=[number]), to_name=name)
        await asyncio.sleep(pause)
    return HttpResponse()


def change_rows(request: HttpRequest) -> HttpResponse:
    """Do what ``deeds`` say with the rows that begin with a ``prefix``: see `watched.DEEDS`."""
    for name, *arguments in json.loads(request.GET["deeds"]):
        DEEDS[name](request.GET["prefix"], *arguments)
    return HttpResponse()


def tell_rows(request: HttpRequest) -> JsonResponse:
    """Tell what a fresh query finds with a ``prefix``."""
    return JsonResponse({"titles": [one.title for one in find(request.GET["prefix"])]})


def make_token(request: HttpRequest) -> JsonResponse:
    """Make a token of a user, who is made when there is none, that ends in ``seconds``."""
    user, _ = get_user_model().objects.get_or_create(username=request.GET["username"])
    until = time.time() + float(request.GET["seconds"])
    return JsonResponse({"token": signing.dumps({"user": user.pk, "until": until})})
