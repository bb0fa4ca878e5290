"""Queries that tests watch, over tickets with a prefix in their titles, and what changes them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from django_vortex import (
    AllowAny,
    PermissionDenied,
    Request,
    Tuple,
    endpoint,
    query,
    tuple_type,
)
from example_project.board.models import Ticket


@tuple_type("e2e.Watched")
class Watched(Tuple):
    """A ticket."""

    __tuple_key__ = ("id",)

    id: int
    title: str


def find(prefix: str) -> QuerySet[Ticket]:
    return Ticket.objects.filter(title__startswith=prefix).order_by("title", "id")


@query("e2e.watched", permission=AllowAny)
def watched(request: Request, *, prefix: str) -> list[Watched]:
    """Return the tickets in order of their titles."""
    return [Watched(id=one.pk, title=one.title) for one in find(prefix)]


@query("e2e.watched_count", permission=AllowAny)
def watched_count(request: Request, *, prefix: str) -> int:
    """Return how many there are."""
    return find(prefix).count()


@query("e2e.watched_fragile", permission=AllowAny)
def watched_fragile(request: Request, *, prefix: str) -> list[str]:
    """Return the titles, unless one tells to fail."""
    titles = [one.title for one in find(prefix)]
    if any("broken" in title for title in titles):
        raise RuntimeError("Not for peers")
    if any("secret" in title for title in titles):
        raise PermissionDenied("There is a secret")
    return titles


@query("e2e.watched_ticks", permission=AllowAny)
async def watched_ticks(request: Request, *, start: int) -> AsyncIterator[int]:
    """Count from a number on."""
    while True:
        yield start
        start += 1
        await asyncio.sleep(0.05)


def create(prefix: str, *titles: str) -> None:
    Ticket.objects.bulk_create([Ticket(title=f"{prefix}{title}") for title in titles])


def rename(prefix: str, title: str, other: str) -> None:
    find(prefix).filter(title=f"{prefix}{title}").update(title=f"{prefix}{other}")


def delete(prefix: str, *titles: str) -> None:
    find(prefix).filter(title__in=[f"{prefix}{title}" for title in titles]).delete()


DEEDS: Final[dict[str, Callable[..., None]]] = {
    "create": create,
    "rename": rename,
    "delete": delete,
}


@endpoint({"key": "e2e.change_watched"}, permission=AllowAny)
def change(request: Request) -> list[Any]:
    """Do what the tuples say, each the name of a deed with its arguments, in one transaction."""
    prefix = str(request.filt["prefix"])
    with transaction.atomic():
        for name, *arguments in request.payload.tuples:
            DEEDS[name](prefix, *arguments)
    return []
