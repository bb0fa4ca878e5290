"""Recognise the paths of a vortex: those that the project's URLconf routes to our view.

Takes a scope, gives yes or no. WebSockets do not go through Django's URLconf by themselves; asking
it for them as well is what makes ``include("django_vortex.urls")`` enough for both transports,
below any prefix.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.urls import Resolver404, resolve

from django_vortex.transports.asgi_types import Scope

_MARK = "is_vortex"

_View = TypeVar("_View", bound=Callable[..., Any])


def vortex_path(view: _View) -> _View:
    """Mark a view as one whose path is a vortex; decorators that copy attributes keep the mark."""
    setattr(view, _MARK, True)
    return view


def is_vortex_path(scope: Scope) -> bool:
    """Return whether the path of a connection is routed to a marked view."""
    try:
        match = resolve(get_path_info(scope))
    except Resolver404:
        return False
    return is_vortex_view(match.func)


def is_vortex_view(view: object) -> bool:
    """Return whether a view is marked as one whose path is a vortex."""
    return getattr(view, _MARK, False) is True


def get_path_info(scope: Scope) -> str:
    """Return the path below the script prefix, as Django's own handler computes it."""
    prefix: str = settings.FORCE_SCRIPT_NAME or scope.get("root_path", "") or ""
    path: str = scope["path"]
    return path.removeprefix(prefix)
