"""Endpoints that tell which connection of PostgreSQL they were served by."""

import asyncio

from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError
from django.db.models import Func, IntegerField, QuerySet

from django_vortex import AsyncModelHandler, ModelHandler, Payload, Request, endpoint

LOST = "lost"


def pids() -> "QuerySet[ContentType, int]":
    """Return a query for the process of the server that executes it."""
    pid = Func(function="pg_backend_pid", output_field=IntegerField())
    return ContentType.objects.annotate(pid=pid).values_list("pid", flat=True)


async def find_pids() -> list[object]:
    """Ask three times, once in a task of its own."""
    try:
        return [
            await pids().afirst(),
            await asyncio.create_task(pids().afirst()),
            await pids().afirst(),
        ]
    except OperationalError:
        return [LOST]


@endpoint({"key": "e2e.pids_async"})
async def pids_async(request: Request) -> list[object]:
    return await find_pids()


@endpoint({"key": "e2e.pids_sync"})
def pids_sync(request: Request) -> list[object]:
    try:
        return [pids().first() for _ in range(3)]
    except OperationalError:
        return [LOST]


class AsyncPids(AsyncModelHandler):
    """An update that each peer gets its own of, built where the peers are."""

    filt = {"key": "e2e.pids_pushed_async"}

    async def build_model(self, request: Request) -> Payload:
        return Payload(tuples=[*await find_pids(), request.peer.uuid])


class Pids(ModelHandler):
    """The same in threads."""

    filt = {"key": "e2e.pids_pushed_sync"}

    def build_model(self, request: Request) -> Payload:
        return Payload(tuples=[*pids_sync(request), request.peer.uuid])


handlers = {"async": AsyncPids(), "sync": Pids()}


@endpoint({"key": "e2e.push_pids"})
async def push_pids(request: Request) -> list[object]:
    """Push an update of the handler that the filt names."""
    pushing = handlers[request.filt["kind"]].send_model_update(to_peer=request.peer)
    if asyncio.iscoroutine(pushing):
        await pushing
    return []
