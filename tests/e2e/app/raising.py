"""Handlers that raise, for tests of what peers are told."""

from typing import Any

from django.contrib.auth.models import User
from django.core import exceptions
from django.http import Http404

from django_vortex import AsyncModelHandler, ModelHandler, Request, RowsHandler, endpoint
from django_vortex import ValidationError as OurValidationError
from example_project.board.models import Ticket

SECRET = "a value that nobody may see"

ERRORS = {
    "validation": lambda: exceptions.ValidationError(
        {"title": [exceptions.ValidationError("Too %(what)s", params={"what": "long"})]}
    ),
    "ours": lambda: OurValidationError(
        errors=[{"index": 1, "field": "title", "messages": ["Too long"]}]
    ),
    "permission": lambda: exceptions.PermissionDenied("Not you"),
    "http404": lambda: Http404("No such board"),
    "internal": lambda: ValueError(SECRET),
}


def fail(request: Request) -> Any:
    """Raise what the filt asks for; without that, look for a row that is not there."""
    error = ERRORS.get(request.filt.get("error"))
    if error is not None:
        raise error()
    return User.objects.get(username=SECRET)


@endpoint({"key": "e2e.raise_sync"})
def raise_sync(request: Request) -> Any:
    """Raise in a thread."""
    return fail(request)


@endpoint({"key": "e2e.raise_async"})
async def raise_async(request: Request) -> Any:
    """Raise on the loop."""
    if "error" in request.filt:
        fail(request)
    return await User.objects.aget(username=SECRET)


class Raising(ModelHandler):
    """Raises while it builds."""

    filt = {"key": "e2e.raise_model"}

    def build_model(self, request: Request) -> Any:
        """Raise."""
        return fail(request)


class RaisingLater(AsyncModelHandler):
    """Raises while it builds on the loop."""

    filt = {"key": "e2e.raise_async_model"}

    async def build_model(self, request: Request) -> Any:
        """Raise."""
        return await raise_async(request)


class RaisingRows(RowsHandler):
    """Raises while it chooses rows."""

    def get_queryset(self, request: Request) -> Any:
        """Raise."""
        return fail(request)


handlers = [Raising(), RaisingLater(), RaisingRows({"key": "e2e.raise_rows"}, Ticket)]
