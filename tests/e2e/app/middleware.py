"""A middleware of the kind that old projects have: it knows nothing of coroutines."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware


@sync_only_middleware
def mark(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Ask for the user, which reads the database, and mark the response."""

    def middleware(request: HttpRequest) -> HttpResponse:
        name = request.user.get_username() or "nobody"
        response = get_response(request)
        response["X-Marked-For"] = name
        return response

    return middleware
