"""Views of a server process under test."""

import asyncio
import os
import threading

import psutil
from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.db import transaction
from django.http import HttpRequest, JsonResponse

from django_vortex.transports.hub import get_server
from tests.e2e.app.pushing import push_numbered

process = psutil.Process()


@transaction.non_atomic_requests
async def stats(request: HttpRequest) -> JsonResponse:
    """Tell what this process uses; needs no thread and no database itself."""
    database = str(settings.DATABASES["default"]["NAME"])
    return JsonResponse(
        {
            "pid": os.getpid(),
            "rss_bytes": process.memory_info().rss,
            "threads": process.num_threads(),
            "thread_names": [thread.name for thread in threading.enumerate()],
            "open_descriptors": process.num_fds(),
            "database_connections": count_open(database),
            "tasks": len(asyncio.all_tasks()),
            "peers": len(get_server().connections),
        }
    )


def count_open(path: str) -> int:
    """Count the descriptors of this process that are open on a file: one per connection."""
    return sum(opened.path == path for opened in process.open_files())


def push(request: HttpRequest) -> JsonResponse:
    """Push from a synchronous view; with ``wait`` answer when all have left."""
    futures = push_numbered(request.GET.dict())
    reached = [future.result(60) for future in futures] if "wait" in request.GET else []
    return JsonResponse({"sent": len(futures), "reached": reached})


async def push_async(request: HttpRequest) -> JsonResponse:
    """Push from an asynchronous view, on the very loop that the hub runs on."""
    futures = push_numbered(request.GET.dict())
    reached = []
    if "wait" in request.GET:
        reached = [await asyncio.wrap_future(future) for future in futures]
    return JsonResponse({"sent": len(futures), "reached": reached})


def log_in(request: HttpRequest) -> JsonResponse:
    """Log in as ``username``, who is made when there is none; the cookie is in the answer."""
    user, _ = get_user_model().objects.get_or_create(username=request.GET["username"])
    login(request, user)
    return JsonResponse({"user": user.pk, "session": request.session.session_key})
